import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { compSum, generalizedCrossEntropy, softmaxCrossEntropy } from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const scale = Math.max(1, Math.abs(expected[i]!));
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance * scale,
      `${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
};
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const taus = [0, 0.5, 1, 1.5, 2];

test("two equal logits: Φ(1) of the paper's family", async () => {
  const all = await evaluate(taus.map((tau) => compSum(double([[3, 3]]), labelsOf(0), { tau })));
  close(all.map(item), [1, 2 * (Math.SQRT2 - 1), Math.log(2), 2 * (1 - Math.SQRT1_2), 0.5], 1e-12);
});

test("a worked example: losses and gradients of the true logit", async () => {
  const logits = double([[0.3, -0.2, 0.9]]);
  const all = await evaluate(taus.map((tau) => compSum(logits, labelsOf(0), { tau })));
  close(all.map(item), [2.428649, 1.703323, 1.232166, 0.919889, 0.70834]);
  const gradients = await evaluate(
    taus.map((tau) => grad((f: Tensor) => compSum(f, labelsOf(0), { tau }))(logits)),
  );
  close(
    gradients.map((g) => values(g)[0]!),
    [-2.428649, -1.311606, -0.70834, -0.382543, -0.206594],
  );
});

test("the family against a plain reference on any logits", async () => {
  const reference = (f: number[], y: number, tau: number) => {
    const u = f.reduce((total, value, j) => (j === y ? total : total + Math.exp(value - f[y]!)), 0);
    return tau === 1 ? Math.log1p(u) : ((1 + u) ** (1 - tau) - 1) / (1 - tau);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 5 }),
      fc.constantFrom(0, 0.3, 1, 1.2, 2, 3),
      async (f, tau) => {
        const loss = item(await evaluate(compSum(double([f]), labelsOf(1), { tau })));
        close([loss], [reference(f, 1, tau)], 1e-9);
      },
    ),
    { numRuns: 20, seed: 1 },
  );
});

test("cross-entropy is τ = 1 and the limit of its neighbours; generalised cross-entropy is τ = 1 + q", async () => {
  const logits = tensor(Float64Array.from(random(1).normal(12)), { shape: [4, 3] });
  const labels = labelsOf(0, 1, 2, 1);
  const [crossEntropy, one, below, above, q, shifted, mae] = await evaluate([
    softmaxCrossEntropy(logits, labels),
    compSum(logits, labels),
    compSum(logits, labels, { tau: 1 - 1e-9 }),
    compSum(logits, labels, { tau: 1 + 1e-9 }),
    generalizedCrossEntropy(logits, labels, { q: 0.4, reduction: "none" }),
    compSum(logits, labels, { tau: 1.4, reduction: "none" }),
    generalizedCrossEntropy(logits, labels, { q: 1, reduction: "none" }),
  ] as const);
  assert.equal(item(one), item(crossEntropy));
  close([item(below), item(above)], [item(crossEntropy), item(crossEntropy)], 1e-7);
  assert.deepEqual(values(q), values(shifted));
  assert.ok(values(mae).every((value) => value > 0 && value < 1));
});

for (const tau of [0, 0.7, 1, 1.3, 2]) {
  test(`τ = ${tau}: gradient agrees with central differences`, async () => {
    const draw = random(`comp-sum ${tau}`);
    for (let seed = 0; seed < 6; seed++) {
      const [n, classes] = [1 + (seed % 3), 2 + (seed % 4)];
      const logits = tensor(Float64Array.from(draw.normal(n * classes, 0, 1.5)), { shape: [n, classes] });
      const labels = labelsOf(...Array.from({ length: n }, () => draw.integer(0, classes)));
      const reduction = seed % 2 ? "mean" : "sum";
      const { error } = await checkGradient((f: Tensor) => compSum(f, labels, { tau, reduction }), logits);
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
  });

  test(`τ = ${tau}: extreme logits stay finite in float32`, async () => {
    for (const row of [
      [1e4, -1e4, 0],
      [-1e4, 1e4, 1e4],
      [0, 0, 0],
    ]) {
      const logits = tensor([row, row]);
      const loss = (f: Tensor) => compSum(f, labelsOf(0, 2), { tau });
      const [value, gradient] = await evaluate([loss(logits), grad(loss)(logits)] as const);
      assert.ok(Number.isFinite(item(value)));
      assert.ok(values(gradient).every(Number.isFinite));
    }
  });
}

test("reductions and errors", async () => {
  const logits = double([
    [1, 2, 3],
    [0, -1, 4],
  ]);
  const labels = labelsOf(0, 1);
  for (const loss of [compSum, generalizedCrossEntropy]) {
    const [each, total, average] = await evaluate([
      loss(logits, labels, { reduction: "none" }),
      loss(logits, labels, { reduction: "sum" }),
      loss(logits, labels),
    ] as const);
    close([item(total)], [values(each)[0]! + values(each)[1]!], 1e-12);
    close([item(average)], [item(total) / 2], 1e-12);
    assert.throws(() => loss(logits, labelsOf(0, 1, 2)), /labels is .*expected int32 \[2\]/);
  }
  assert.throws(() => compSum(logits, labels, { tau: -1 }), /tau is -1; expected .* at least 0/);
  assert.throws(() => generalizedCrossEntropy(logits, labels, { q: 0 }), /q is 0; expected .* above 0/);
});
