import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, fromData, multiply, perExampleGrad, sum, type Tensor, values } from "../index.ts";
import { pairwiseNLL } from "../losses/index.ts";
import { random } from "../random.ts";
import { vectors } from "../retrieval/index.ts";
import { listOverlap, pairErrors, pairGradientNorms } from "./index.ts";

test("pairGradientNorms are the lengths of each pair's gradient", async () => {
  const draw = random("pairs");
  const rows = [0, 1, 2].map(() => draw.normal(6 * 3));
  const inner = (a: Tensor, b: Tensor) => multiply(sum(multiply(a, b), { axis: 1 }), 1 / 0.5);
  // Differentiated in the vectors of a pair by adding the same offset to one pair at a time.
  const gradients = perExampleGrad(
    (offset: { q: Tensor; p: Tensor; n: Tensor }, q: Tensor, p: Tensor, n: Tensor) => {
      const moved = [q, p, n].map((x, i) => add(x, [offset.q, offset.p, offset.n][i]!));
      return pairwiseNLL(inner(moved[0]!, moved[1]!), inner(moved[0]!, moved[2]!));
    },
  );
  const zero = () => fromData(new Float32Array(3), [3]);
  const [q, p, n] = rows.map((data) => fromData(data, [6, 3])) as [Tensor, Tensor, Tensor];
  const found = await evaluate(gradients({ q: zero(), p: zero(), n: zero() }, q, p, n));
  const parts = [found.q, found.p, found.n].map((g) => values(g));
  const norms = pairGradientNorms(...(rows.map((data) => vectors(data, 3)) as [never, never, never]), {
    temperature: 0.5,
  });
  norms.forEach((norm, row) => {
    let squares = 0;
    for (const part of parts) for (let i = 0; i < 3; i++) squares += part[row * 3 + i]! ** 2;
    assert.ok(Math.abs(norm - Math.sqrt(squares)) < 1e-5, `${norm} is not ${Math.sqrt(squares)}`);
  });
});

test("pairGradientNorms: a negative far below the positive carries nothing, one far above all", () => {
  const one = (...x: number[]) => vectors(Float32Array.from(x), 2);
  const norm = (n: [number, number]) =>
    pairGradientNorms(one(1, 0), one(1, 0), one(...n), { temperature: 0.01 })[0]!;
  assert.ok(norm([0, 1]) < 1e-30);
  assert.ok(Math.abs(norm([2, 0]) - 100 * Math.sqrt(3)) < 1e-6);
  assert.throws(
    () => pairGradientNorms(one(1, 0), one(1, 0), vectors(new Float32Array(4), 2)),
    /negatives are 2/,
  );
});

test("pairErrors: ranks less one, cut at the top", () => {
  assert.deepEqual(pairErrors([1, 3, 501]), { total: 502 / 3, top: 202 / 3 });
  assert.deepEqual(pairErrors([1, 1], 10), { total: 0, top: 0 });
  assert.throws(() => pairErrors([0]), /rank 0 is 0/);
  assert.throws(() => pairErrors([]), /no ranks/);
});

test("listOverlap: the share of each list that stands in the other", () => {
  assert.equal(listOverlap([[1, 2], [3, 4, 5, 6], []], [[2, 9], [3, 4, 5, 6, 7], [1]]), 0.75);
  assert.throws(() => listOverlap([[1]], []), /1 lists and 0 others/);
});
