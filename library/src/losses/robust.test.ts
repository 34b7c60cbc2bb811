import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile, evaluate, grad, item, scalar, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  gaussianCutoff,
  softmaxCrossEntropy,
  squaredError,
  trimmedLoss,
  trimmedMask,
  type ZErrorClassOptions,
  zErrorCE,
  zErrorClassMask,
  zErrorMask,
  zErrorMSE,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
};
const double = (row: ArrayLike<number>) => tensor(Float64Array.from(row));
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const listOf = async (x: Tensor) => Array.from(values(await evaluate(x)));
const zeros = (n: number) => double(Array(n).fill(0));
const worked = [0.1, -0.1, 0.2, -0.2, 0, 0.1, -0.1, 5];

/** z-scores as the formula reads. */
function zScores(errors: readonly number[]): number[] {
  const center = errors.reduce((a, b) => a + b) / errors.length;
  const deviation = Math.sqrt(errors.reduce((s, e) => s + (e - center) ** 2, 0) / (errors.length - 1));
  return errors.map((e) => (e - center) / (deviation + 1e-8));
}

test("zErrorMask: a worked example loses its outlier only", async () => {
  close([zScores(worked)[7]!], [2.46811], 1e-5);
  assert.ok(zScores(worked).every((z, i) => i === 7 || Math.abs(z) < 0.47));
  assert.deepEqual(await listOf(zErrorMask(double(worked))), [1, 1, 1, 1, 1, 1, 1, 0]);
  assert.deepEqual(await listOf(zErrorMask(double(worked), { threshold: 2.46 })), [1, 1, 1, 1, 1, 1, 1, 0]);
  assert.deepEqual(await listOf(zErrorMask(double(worked), { threshold: 2.47 })), Array(8).fill(1));
  const [plain, masked] = await evaluate([
    squaredError(zeros(8), double(worked)),
    zErrorMSE(zeros(8), double(worked)),
  ] as const);
  close([item(plain), item(masked)], [3.14, 0.12 / 7], 1e-12);
  close([item(masked)], [0.0171429], 1e-6);
});

test("zErrorMask: a single outlier can be at most (n − 1) / √n deviations away", async () => {
  const bounds = { 4: 1.5, 6: 2.04124, 8: 2.47487, 16: 3.75, 32: 5.48008 };
  for (const [key, bound] of Object.entries(bounds)) {
    const n = Number(key);
    const errors = double([...Array(n - 1).fill(0), 1e3]);
    const last = async (threshold: number) => (await listOf(zErrorMask(errors, { threshold })))[n - 1];
    assert.equal(await last(bound - 1e-4), 0, `n = ${n}`);
    assert.equal(await last(bound + 1e-4), 1, `n = ${n}`);
  }
  // So that five errors never lose one at the default threshold of 2.
  assert.deepEqual(await listOf(zErrorMask(double([0, 0, 0, 0, 1e6]))), Array(5).fill(1));
});

test("zErrorMask agrees with the formula and ignores shifts", async () => {
  const mask = compile((errors: Tensor) => zErrorMask(errors, { threshold: 1.3 }), { threads: 1 });
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.double({ min: -5, max: 5, noNaN: true }), async (seed, shift) => {
      const errors = Array.from(random(seed).normal(12));
      const expected = zScores(errors).map((z) => Number(Math.abs(z) <= 1.3));
      assert.deepEqual(Array.from(values(await mask(double(errors)))), expected);
      assert.deepEqual(Array.from(values(await mask(double(errors.map((e) => e + shift))))), expected);
    }),
    { numRuns: 50 },
  );
});

test("zErrorMask: constant errors, one error, a threshold out of reach: the loss is the MSE", async () => {
  for (const errors of [Array(8).fill(0.1), [3], Array(7).fill(-1e4)]) {
    const [plain, masked] = await evaluate([
      squaredError(zeros(errors.length), double(errors)),
      zErrorMSE(zeros(errors.length), double(errors)),
    ] as const);
    close([item(masked)], [item(plain)], 1e-9 * item(plain));
  }
  const all = zErrorMSE(zeros(8), double(worked), { threshold: Number.POSITIVE_INFINITY });
  close([item(await evaluate(all))], [3.14], 1e-12);
});

test("zErrorMask: outliers hide each other from the mean, not from the median", async () => {
  const errors = double([0.1, -0.1, 0.2, -0.2, 0, 0.1, 9, 9, 9]);
  assert.deepEqual(await listOf(zErrorMask(errors)), Array(9).fill(1));
  assert.deepEqual(await listOf(zErrorMask(errors, { robust: true })), [1, 1, 1, 1, 1, 1, 0, 0, 0]);
});

test("zErrorMask: robust scores of an even number of errors", async () => {
  // Median 2.5, absolute deviations 1.5, 0.5, 0.5, 7.5: median 1, deviation 1.4826.
  const errors = double([1, 2, 3, 10]);
  assert.deepEqual(await listOf(zErrorMask(errors, { robust: true, threshold: 5.05 })), [1, 1, 1, 0]);
  assert.deepEqual(await listOf(zErrorMask(errors, { robust: true, threshold: 5.06 })), [1, 1, 1, 1]);
});

test("zErrorMask: the threshold may be a tensor", async () => {
  const mask = compile((errors: Tensor, threshold: Tensor) => zErrorMask(errors, { threshold }), {
    threads: 1,
  });
  for (const [threshold, last] of [
    [2, 0],
    [4, 1],
  ] as const)
    assert.equal(values(await mask(double(worked), scalar(threshold, "float64")))[7], last);
});

test("zErrorMSE: masked rows have no gradient, kept ones that of their mean", async () => {
  const gradient = await listOf(grad((p: Tensor) => zErrorMSE(p, double(worked)))(zeros(8)));
  close(
    gradient,
    worked.map((e, i) => (i === 7 ? 0 : (-2 * e) / 7)),
    1e-12,
  );
  assert.ok(gradient[7] === 0);
});

/** Rows of three classes whose label's logit is 4, but for the given row. */
const classified = (n: number, odd: number, score: number) => {
  const labels = Array.from({ length: n }, (_, i) => i % 3);
  const rows = labels.map((y, i) =>
    [0, 1, 2].map((j) => (j === y ? (i === odd ? score : 4 + 0.1 * Math.sin(i)) : 0)),
  );
  return { logits: tensor(rows, { dtype: "float64" }), labels: labelsOf(...labels) };
};

test("zErrorClassMask: a row far below its class is masked, one far above is kept", async () => {
  for (const space of ["logit", "margin", "probability"] as const) {
    const low = classified(30, 4, -3);
    assert.deepEqual(
      await listOf(zErrorClassMask(low.logits, low.labels, { space })),
      Array.from({ length: 30 }, (_, i) => Number(i !== 4)),
    );
  }
  const high = classified(30, 4, 20);
  assert.deepEqual(await listOf(zErrorClassMask(high.logits, high.labels)), Array(30).fill(1));
});

test("zErrorClassMask: own deviation from six rows on, else the pooled one", async () => {
  // In a class of n, an outlier below equal others is (n − 1) / √n of its own deviations away.
  const scores = (n: number) => [...Array(n - 1).fill(1), -9];
  const mask = async (n: number, others: number, threshold: number) => {
    const logits = [...scores(n).map((s) => [s, 0]), ...Array.from({ length: others }, () => [0, 1])];
    const labels = labelsOf(...Array(n).fill(0), ...Array(others).fill(1));
    const list = await listOf(zErrorClassMask(tensor(logits, { dtype: "float64" }), labels, { threshold }));
    return list[n - 1];
  };
  assert.equal(await mask(6, 20, 2.04), 0);
  assert.equal(await mask(6, 20, 2.05), 1);
  // Five rows: residual −8, squares 80, pooled over 25 rows less two classes: 8 / √(80 / 23) = 4.2895.
  assert.equal(await mask(5, 20, 4.28), 0);
  assert.equal(await mask(5, 20, 4.3), 1);
});

test("zErrorCE: mean cross-entropy of the kept rows", async () => {
  const { logits, labels } = classified(30, 4, -3);
  const each = await listOf(softmaxCrossEntropy(logits, labels, { reduction: "none" }));
  const expected = each.filter((_, i) => i !== 4).reduce((a, b) => a + b) / 29;
  close([item(await evaluate(zErrorCE(logits, labels)))], [expected], 1e-12);
  const gradient = await listOf(grad((x: Tensor) => zErrorCE(x, labels))(logits));
  assert.ok(gradient.slice(12, 15).every((g) => g === 0));
  assert.ok(gradient.slice(0, 12).every((g) => g !== 0));
  const whole = zErrorCE(logits, labels, { threshold: 1e9 });
  close([item(await evaluate(whole))], [each.reduce((a, b) => a + b) / 30], 1e-12);
});

test("trimmedMask and trimmedLoss: the smallest stay, ties by position", async () => {
  const losses = double([3, 1, 2, 5, 4, 1, 9, 0, 7, 6]);
  assert.deepEqual(await listOf(trimmedMask(losses)), [1, 1, 1, 1, 1, 1, 0, 1, 1, 1]);
  assert.deepEqual(await listOf(trimmedMask(losses, { keep: 0.3 })), [0, 1, 0, 0, 0, 1, 0, 1, 0, 0]);
  close([item(await evaluate(trimmedLoss(losses, { keep: 0.3 })))], [2 / 3], 1e-12);
  close([item(await evaluate(trimmedLoss(losses, { keep: 1 })))], [3.8], 1e-12);
  assert.deepEqual(await listOf(trimmedMask(double([2, 2, 2, 2]), { keep: 0.5 })), [1, 1, 0, 0]);
  assert.throws(() => trimmedMask(losses, { keep: 0 }), /keep is 0; expected .* above 0 and at most 1/);
  const spread = [Number.POSITIVE_INFINITY, 1];
  assert.equal(item(await evaluate(trimmedLoss(double(spread), { keep: 0.5 }))), 1);
});

test("gaussianCutoff: the middle for equal spreads, else nearer to the narrow class", () => {
  close([gaussianCutoff([-1, 0, 1], [3, 4, 5])], [2], 1e-9);
  const draw = random("cutoff");
  const [a, b] = [draw.normal(5000, 0, 1), draw.normal(5000, 4, 2)];
  const moments = (x: Float32Array) => {
    const center = x.reduce((s, v) => s + v) / x.length;
    return [center, Math.sqrt(x.reduce((s, v) => s + (v - center) ** 2, 0) / (x.length - 1))] as const;
  };
  const density = (x: number, [m, s]: readonly [number, number]) => Math.exp(-(((x - m) / s) ** 2) / 2) / s;
  const cut = gaussianCutoff(a, b);
  assert.ok(cut > 1 && cut < 2, `${cut}`);
  close([density(cut, moments(a))], [density(cut, moments(b))], 1e-9);
  // One within the other: no crossing between the means.
  close([gaussianCutoff([-0.01, 0.01], [-9, 9.0002])], [0.00005], 1e-9);
  assert.throws(() => gaussianCutoff([1], [1, 2]), /1 scores; expected at least 2/);
});

test("gradients agree with central differences away from the threshold", async () => {
  for (let seed = 0; seed < 5; seed++) {
    const draw = random("robust").split(seed);
    const y = tensor(Float64Array.from(draw.normal(12)));
    const x = tensor(Float64Array.from(draw.normal(12)));
    const logits = tensor(Float64Array.from(draw.normal(36)), { shape: [12, 3] });
    const labels = labelsOf(...Array.from({ length: 12 }, () => draw.integer(0, 3)));
    const checks = [
      checkGradient((p: Tensor) => zErrorMSE(p, y, { threshold: 1.5 }), x),
      checkGradient((p: Tensor) => zErrorMSE(p, y, { robust: true }), x),
      checkGradient((p: Tensor) => zErrorCE(p, labels, { threshold: 1.2 }), logits),
      checkGradient((p: Tensor) => trimmedLoss(squaredError(p, y, { reduction: "none" }), { keep: 0.7 }), x),
    ];
    for (const check of checks) {
      const { error } = await check;
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
  }
});

test("extreme inputs stay finite in float32", async () => {
  for (const row of [[1e4, -1e4, 0, 1e4, 3, 1, 2], [0], Array(9).fill(1e4)]) {
    const y = tensor(new Float32Array(row.length));
    const x = tensor(Float32Array.from(row));
    for (const robust of [false, true]) {
      const f = (p: Tensor) => zErrorMSE(p, y, { robust });
      const [value, g] = await evaluate([f(x), grad(f)(x)] as const);
      assert.ok(Number.isFinite(item(value)));
      assert.ok(values(g).every(Number.isFinite));
    }
  }
  for (const rows of [
    [[1e4, -1e4]],
    Array(8).fill([-1e4, 1e4]),
    [
      [0, 0],
      [1e4, -1e4],
    ],
  ]) {
    const labels = labelsOf(...rows.map(() => 0));
    for (const space of ["logit", "margin", "probability"] as const) {
      const f = (p: Tensor) => zErrorCE(p, labels, { space });
      const [value, g] = await evaluate([f(tensor(rows)), grad(f)(tensor(rows))] as const);
      assert.ok(Number.isFinite(item(value)));
      assert.ok(values(g).every(Number.isFinite));
    }
  }
});

test("reductions and errors", async () => {
  const y = double(worked);
  const [none, total] = await evaluate([
    zErrorMSE(zeros(8), y, { reduction: "none" }),
    zErrorMSE(zeros(8), y, { reduction: "sum" }),
  ] as const);
  close(values(none), [...worked.slice(0, 7).map((e) => e * e), 0], 1e-12);
  close([item(total)], [0.12], 1e-12);
  assert.throws(() => zErrorMask(double([1, 2]), { threshold: 0 }), /threshold is 0; expected .* above 0/);
  assert.throws(() => zErrorMask(tensor([[1, 2]])), /errors is .*; expected \[n\]/);
  assert.throws(() => zErrorCE(tensor([[1, 2]]), labelsOf(0, 1)), /labels is .*expected int32 \[1\]/);
  const odd: ZErrorClassOptions = { space: "odds" as never };
  assert.throws(() => zErrorCE(tensor([[1, 2]]), labelsOf(0), odd), /space is "odds"; expected "logit"/);
  assert.throws(() => zErrorCE(tensor([[1]]), labelsOf(0), { space: "margin" }), /needs two classes/);
});
