import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { add, evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { sparsemax } from "../nn/index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { sparsemaxLoss } from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const read = async (x: Tensor) => [...values(await evaluate(x))] as number[];

test("worked examples: the map, and the loss of each label", async () => {
  close(await read(sparsemax(double([[0.5, 0.3, 0.1]]))), [8 / 15, 1 / 3, 2 / 15], 1e-12);
  const z = [1.2, 0.8, -0.2];
  close(await read(sparsemax(double([z]))), [0.7, 0.3, 0], 1e-12);
  close(
    await read(sparsemaxLoss(double([z, z, z]), labelsOf(0, 1, 2), { reduction: "none" })),
    [0.09, 0.49, 1.49],
    1e-12,
  );
  close(await read(sparsemaxLoss(double([[0, 0, 0]]), labelsOf(1))), [1 / 3], 1e-12);
  assert.equal(item(await evaluate(sparsemaxLoss(double([[2, 0.5, 0]]), labelsOf(0)))), 0);
});

test("two classes: 0 from a lead of 1 on, a parabola, then a line", async () => {
  const leads = [-2, -1, -0.5, 0, 0.5, 1, 3];
  const losses = sparsemaxLoss(double(leads.map((t) => [t, 0])), labelsOf(...leads.map(() => 0)), {
    reduction: "none",
  });
  close(await read(losses), [2, 1, 0.5625, 0.25, 0.0625, 0, 0], 1e-12);
});

test("against the formula with support and threshold, for shares; never negative; shifts change nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
      async (z, weights) => {
        const total = weights.reduce((a, b) => a + b, 1e-9);
        const q = weights.map((w) => (w + 2.5e-10) / total);
        const p = await read(sparsemax(double([z])));
        const support = p.flatMap((x, j) => (x > 0 ? [j] : []));
        const tau = (support.reduce((t, j) => t + z[j]!, 0) - 1) / support.length;
        const expected =
          q.reduce((t, x, j) => t + x * x * 0.5 - x * z[j]!, 0) +
          support.reduce((t, j) => t + 0.5 * (z[j]! ** 2 - tau ** 2), 0);
        const loss = item(await evaluate(sparsemaxLoss(double([z]), double([q]))));
        close([loss], [expected], 1e-9);
        assert.ok(loss >= -1e-12);
        close([item(await evaluate(sparsemaxLoss(add(double([z]), 5), double([q]))))], [loss], 1e-9);
      },
    ),
    { numRuns: 15, seed: 1 },
  );
});

test("the gradient is sparsemax(z) − q, and agrees with central differences", async () => {
  const draw = random("sparsemax loss");
  for (let seed = 0; seed < 6; seed++) {
    const [n, classes] = [1 + (seed % 3), 2 + seed];
    const z = tensor(Float64Array.from(draw.normal(n * classes, 0, 1.5)), { shape: [n, classes] });
    const labels = Array.from({ length: n }, () => draw.integer(0, classes));
    const loss = (x: Tensor) => sparsemaxLoss(x, labelsOf(...labels), { reduction: "sum" });
    const { error } = await checkGradient(loss, z);
    assert.ok(error < 1e-4, `seed ${seed}: ${error}`);
    const [p, gradient] = [await read(sparsemax(z)), await read(grad(loss)(z))];
    labels.forEach((label, row) => {
      p[row * classes + label]! -= 1;
    });
    close(gradient, p, 1e-12);
  }
});

test("extreme logits stay finite and exact in float32", async () => {
  for (const row of [
    [1e4, -1e4, 0],
    [-1e4, 1e4, 1e4],
    [0, 0, 0],
  ]) {
    const f = (z: Tensor) => sparsemaxLoss(z, labelsOf(0, 2));
    const [value, gradient] = await evaluate([f(tensor([row, row])), grad(f)(tensor([row, row]))] as const);
    assert.ok(Number.isFinite(item(value)));
    assert.ok(values(gradient).every(Number.isFinite));
  }
  // Far from 0, the difference of scores alone counts.
  const far = tensor([[1e4, 1e4 - 0.5]]);
  close(await read(sparsemaxLoss(far, labelsOf(0))), [0.0625]);
});

test("reductions and errors", async () => {
  const z = double([
    [1, 2, 3],
    [0, -1, 4],
  ]);
  const [each, total, mean] = await evaluate([
    sparsemaxLoss(z, labelsOf(0, 1), { reduction: "none" }),
    sparsemaxLoss(z, labelsOf(0, 1), { reduction: "sum" }),
    sparsemaxLoss(z, labelsOf(0, 1)),
  ] as const);
  close([item(total), item(mean)], [values(each)[0]! + values(each)[1]!, item(total) / 2], 1e-12);
  assert.throws(() => sparsemaxLoss(z, labelsOf(0)), /labels is .*expected int32 \[2\]/);
  assert.throws(() => sparsemaxLoss(z, double([[1, 0]])), /targets is .*expected int32 \[2\] or shares like/);
});
