import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, item, sum, type Tensor, tensor, valueAndGrad, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  denseIndex,
  expectedProducts,
  flopsLoss,
  quadraticRamp,
  sparseIndex,
  spladePool,
  vectors,
} from "./index.ts";

const double = (rows: number[][][] | number[][]) => tensor(rows, { dtype: "float64" });
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("spladePool: the largest logit of each term, saturated", async () => {
  const logits = double([
    [
      [2, -1, 0.5],
      [1, -3, 0.25],
    ],
  ]);
  const pooled = values(await evaluate(spladePool(logits)));
  [Math.log(3), 0, 0.405465].forEach((expected, i) => {
    close(pooled[i]!, expected, 1e-6);
  });
  const summed = values(await evaluate(spladePool(logits, { pool: "sum" })));
  close(summed[0]!, Math.log(3) + Math.log(2));
});

test("spladePool: positions without a token do not count, and a text without any is zero", async () => {
  const logits = double([
    [
      [2, -1],
      [9, 9],
    ],
    [
      [5, 5],
      [7, 7],
    ],
  ]);
  const present = tensor(Uint8Array.of(1, 0, 0, 0), { shape: [2, 2], dtype: "bool" });
  for (const pool of ["max", "sum"] as const) {
    const r = values(await evaluate(spladePool(logits, { present, pool })));
    close(r[0]!, Math.log(3));
    assert.deepEqual(Array.from(r.slice(1)), [0, 0, 0]);
  }
});

test("flopsLoss: closed form; equal use of terms costs less than the same mass on one", async () => {
  close(
    item(
      await evaluate(
        flopsLoss(
          double([
            [1, 0, 2],
            [3, 0, 0],
          ]),
        ),
      ),
    ),
    5,
  );
  const spread = item(await evaluate(flopsLoss(double([[1, 1]]))));
  const one = item(await evaluate(flopsLoss(double([[2, 0]]))));
  assert.ok(spread < one);
});

test("quadraticRamp: a quarter at half way, constant after the end", () => {
  const at = (step: number) => quadraticRamp(step, { weight: 2, steps: 100 });
  assert.deepEqual([at(0), at(50), at(100), at(1000)], [0, 0.5, 2, 2]);
  assert.throws(() => quadraticRamp(1, { weight: 1, steps: 0 }), /steps is 0/);
});

test("expectedProducts: shares of texts that use a term, multiplied", () => {
  const queries = vectors(Float32Array.of(1, 0, 0, 2, 0, 3), 3);
  const documents = vectors(Float32Array.of(1, 1, 0, 0, 1, 0, 5, 1, 0, 0, 1, 0), 3);
  // Term 1: 2 of 2 queries, 2 of 4 documents; term 3: 1 of 2 queries, no document.
  close(expectedProducts(queries, documents), 0.5);
});

test("gradients of both against central differences, and finite at logits of 1e4", async () => {
  for (const seed of [1, 2, 3]) {
    const logits = tensor(Float64Array.from(random(seed).normal(24)), { shape: [2, 3, 4] });
    for (const pool of ["max", "sum"] as const) {
      const { error } = await checkGradient((x: Tensor) => flopsLoss(spladePool(x, { pool })), logits);
      assert.ok(error < 1e-6, `${error}`);
    }
  }
  const far = double([[[1e4, -1e4]], [[0, 0]]]);
  const [, g] = await evaluate(valueAndGrad((x: Tensor) => sum(spladePool(x)))(far));
  assert.ok(values(g).every(Number.isFinite));
});

test("sparseIndex finds what an exact dense search finds", async () => {
  const draw = random(4);
  const sparse = (count: number) =>
    vectors(
      draw.normal(count * 20).map((x) => Math.max(0, x - 0.5)),
      20,
    );
  const [queries, documents] = [sparse(15), sparse(60)];
  const index = sparseIndex(documents);
  const found = index.search(queries, 7);
  const dense = await denseIndex(documents, { similarity: "dot", threads: 1 }).search(queries, 7);
  assert.deepEqual(found.documents, dense.documents);
  found.scores.forEach((score, i) => {
    close(score, dense.scores[i]!, 1e-5);
  });
  assert.equal(index.postings, documents.data.filter((x) => x !== 0).length);
  assert.equal(index.search(queries, 100).width, 60);
});

test("errors name what is wrong", () => {
  assert.throws(() => spladePool(double([[1]])), /logits is .*expected \[n, length, terms\]/);
  assert.throws(() => spladePool(double([[[1]]]), { present: double([[1]]) }), /present is/);
  assert.throws(() => spladePool(double([[[1]]]), { pool: "mean" as "max" }), /pool is "mean"/);
  assert.throws(() => flopsLoss(double([[[1]]])), /weights is/);
  const one = vectors(Float32Array.of(1), 1);
  assert.throws(() => sparseIndex(one).search(vectors(Float32Array.of(1, 2), 2)), /width 2; expected 1/);
  assert.throws(() => sparseIndex(vectors(new Float32Array(), 3)), /no documents/);
});
