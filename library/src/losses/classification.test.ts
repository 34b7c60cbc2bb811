import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, grad, item, subtract, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { rescaledSquare, softmaxCrossEntropy, squentropy } from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
};
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const losses = { softmaxCrossEntropy, squentropy, rescaledSquare };

test("squentropy: values and gradient of a worked example", async () => {
  const f = [2, -1, 0.5];
  const logits = double([f, f, f]);
  const labels = labelsOf(0, 1, 2);
  close(
    values(await evaluate(squentropy(logits, labels, { reduction: "none" }))),
    [0.866311, 5.366311, 4.241311],
  );
  close(
    values(await evaluate(softmaxCrossEntropy(logits, labels, { reduction: "none" }))),
    [0.241311, 3.241311, 1.741311],
  );
  const gradient = grad((x: Tensor) => squentropy(x, labelsOf(0)))(double([f]));
  close(values(await evaluate(gradient)), [-0.214403, -0.960887, 0.67529]);
});

test("squentropy: zero logits give the entropy, a shift of 1 adds 1/2 (mean of (f + 1)² − f²)", async () => {
  const zero = item(await evaluate(squentropy(double([Array(10).fill(0)]), labelsOf(3))));
  close([zero], [Math.log(10)], 1e-12);
  const logits = double([[2, -1, 0.5]]);
  const shift = subtract(squentropy(add(logits, 1), labelsOf(0)), squentropy(logits, labelsOf(0)));
  close([item(await evaluate(shift))], [(0 + 1.5 ** 2 - (1 + 0.25)) / 2], 1e-12);
});

test("squentropy: nothing to gain at wrong logits 0 and a large true one; wrong classes may change places", async () => {
  assert.ok(item(await evaluate(squentropy(double([[50, 0, 0]]), labelsOf(0)))) < 1e-12);
  const one = item(await evaluate(squentropy(double([[1, 3, -2, 0.3]]), labelsOf(0))));
  const other = item(await evaluate(squentropy(double([[1, 0.3, 3, -2]]), labelsOf(0))));
  close([one], [other], 1e-12);
});

test("squentropy is convex along random lines", async () => {
  const draw = random("convexity");
  for (let i = 0; i < 20; i++) {
    const [a, b] = [0, 1].map(() => [...draw.normal(5, 0, 3)]) as [number[], number[]];
    const middle = a.map((x, j) => (x + b[j]!) / 2);
    const [la, lb, lm] = values(
      await evaluate(squentropy(double([a, b, middle]), labelsOf(2, 2, 2), { reduction: "none" })),
    ) as unknown as [number, number, number];
    assert.ok(lm <= (la + lb) / 2 + 1e-9);
  }
});

test("rescaled square: k = M = 1 is the mean square distance to the one-hot label", async () => {
  const value = item(await evaluate(rescaledSquare(double([[2, -1, 0.5]]), labelsOf(0))));
  close([value], [(1 + 1 + 0.25) / 3], 1e-12);
  const scaled = item(await evaluate(rescaledSquare(double([[2, -1, 0.5]]), labelsOf(0), { k: 5, M: 3 })));
  close([scaled], [(5 * 1 + 1 + 0.25) / 3], 1e-12);
});

for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradient agrees with central differences`, async () => {
    const draw = random(name);
    for (let seed = 0; seed < 20; seed++) {
      const [n, classes] = [1 + (seed % 4), 2 + (seed % 5)];
      const logits = tensor(Float64Array.from(draw.normal(n * classes, 0, 2)), { shape: [n, classes] });
      const labels = labelsOf(...Array.from({ length: n }, () => draw.integer(0, classes)));
      const reduction = seed % 2 ? "mean" : "sum";
      const { error } = await checkGradient((x: Tensor) => loss(x, labels, { reduction }), logits);
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
  });

  test(`${name}: extreme logits stay finite in float32`, async () => {
    for (const row of [
      [1e4, -1e4, 0],
      [-1e4, 1e4, 1e4],
      [0, 0, 0],
    ]) {
      const logits = tensor([row, row]);
      const loss32 = loss(logits, labelsOf(0, 2));
      const gradient = grad((x: Tensor) => loss(x, labelsOf(0, 2)))(logits);
      const [value, g] = await evaluate([loss32, gradient] as const);
      assert.ok(Number.isFinite(item(value)));
      assert.ok(values(g).every(Number.isFinite));
    }
  });

  test(`${name}: reductions and errors`, async () => {
    const logits = double([
      [1, 2, 3],
      [0, -1, 4],
    ]);
    const labels = labelsOf(0, 1);
    const [each, total, average] = await evaluate([
      loss(logits, labels, { reduction: "none" }),
      loss(logits, labels, { reduction: "sum" }),
      loss(logits, labels),
    ] as const);
    close([item(total)], [values(each)[0]! + values(each)[1]!], 1e-12);
    close([item(average)], [item(total) / 2], 1e-12);
    assert.throws(() => loss(logits, labelsOf(0, 1, 2)), /labels is .*expected int32 \[2\]/);
    assert.throws(() => loss(logits, labels, { reduction: "median" as never }), /reduction: got "median"/);
  });
}

test("squentropy needs two classes", () => {
  assert.throws(() => squentropy(double([[1]]), labelsOf(0)), /1 classes; expected at least 2/);
});
