import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, grad, item, multiply, sum, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  derivativesOf,
  ensLossDerivatives,
  exponentialMargin,
  hingeMargin,
  inverseBoxCox,
  logisticMargin,
  surrogateStep,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const double = (row: number[]) => tensor(row, { dtype: "float64" });
const read = async (x: Tensor) => [...values(await evaluate(x))] as number[];

/** Convex and calibrated, as far as derivatives at some margins can tell. */
const isValid = (margins: number[], derivatives: ArrayLike<number>) => {
  const order = margins.map((_, i) => i).sort((i, j) => margins[i]! - margins[j]!);
  return order.every(
    (i, rank) =>
      (margins[i]! > 0 || derivatives[i]! < 0) &&
      (rank === 0 || derivatives[i]! >= derivatives[order[rank - 1]!]! - 1e-12),
  );
};

test("inverse Box-Cox transform", () => {
  const at = [-1, 0, 0.5, 1];
  close(
    at.map((u) => inverseBoxCox(u, 0)),
    [-1, 0, 0.5, 1].map(Math.exp),
  );
  close(
    at.map((u) => inverseBoxCox(u, 0.5)),
    [0.25, 1, 1.5625, 2.25],
  );
  close(
    at.map((u) => inverseBoxCox(u, 1)),
    [0, 1, 1.5, 2],
  );
  close(
    at.map((u) => inverseBoxCox(u, -0.5)),
    [0.444444, 1, 1.777778, 4],
  );
  close([inverseBoxCox(1.7, 1e-9), inverseBoxCox(1.7, 5e-324)], [Math.exp(1.7), Math.exp(1.7)]);
  assert.equal(inverseBoxCox(3, -0.5), Number.POSITIVE_INFINITY);
});

test("a worked example: derivatives, and the value of the surrogate", async () => {
  const [margins, draws] = [
    [0.5, -1, 2],
    [0.3, -0.2, 1.1],
  ];
  close(derivativesOf(margins, draws, { epsilon: 0 }), [-1, -1, -0.409366]);
  close(derivativesOf([0.5, -1, 0.9], draws, { epsilon: 0 }), [-1, -1, -0.818731]);
  const g = derivativesOf(margins, draws);
  close([item(await evaluate(surrogateStep(double(margins), tensor(g))))], [-0.1062441], 1e-7);
});

test("every draw is a convex, calibrated loss, up to the factor of large margins", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 30 }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.integer(),
      (margins, lambda, seed) => {
        const small = margins.map((z) => Math.min(z, 1));
        const g = ensLossDerivatives(small, random(seed), { lambda });
        assert.ok(isValid(small, g));
        assert.ok(g.every((x) => x <= -1e-6 && x >= -1 - 1e-6));
        const tailed = ensLossDerivatives(margins, random(seed), { lambda });
        const ratio = tailed.map((x, i) => (x + 1e-6) * Math.max(1, margins[i]!));
        assert.ok(ratio.every((x) => x <= 1e-12 && x >= -1 - 1e-9));
      },
    ),
    { numRuns: 100, seed: 1 },
  );
});

test("fixed margin losses pass the same check; the sigmoid loss, which is not convex, does not", async () => {
  const margins = [-3, -1, -0.2, 0, 0.4, 0.9, 2, 4];
  for (const loss of [logisticMargin, hingeMargin, exponentialMargin])
    assert.ok(
      isValid(margins, await read(grad((z: Tensor) => sum(loss(z, { reduction: "none" })))(double(margins)))),
    );
  const sigmoidSlopes = margins.map((z) => -1 / (2 + Math.exp(z) + Math.exp(-z)));
  assert.ok(!isValid(margins, sigmoidSlopes));
});

test("the gradient of the scores is g y / n, and none reaches the derivatives", async () => {
  const [scores, signs] = [double([0.3, -2, 1]), double([1, -1, -1])];
  const g = tensor(Float64Array.of(-1, -0.5, -0.2));
  const f = (s: Tensor) => surrogateStep(multiply(s, signs), g);
  close(await read(grad(f)(scores)), [-1 / 3, 0.5 / 3, 0.2 / 3], 1e-12);
  close(await read(grad((d: Tensor) => surrogateStep(scores, d))(g)), [0, 0, 0]);
});

test("derivatives average to those of the truncated normal exponential", () => {
  const g = ensLossDerivatives(new Float64Array(200_000), random(1), { epsilon: 0 });
  // E min(1, e^u) = 1/2 + e^{1/2} Φ(−1).
  close([-g.reduce((a, b) => a + b) / g.length], [0.5 + Math.exp(0.5) * 0.158655], 3e-3);
});

for (const [name, loss] of Object.entries({ logisticMargin, hingeMargin, exponentialMargin }))
  test(`${name}: value at 0 and 1, gradient, extremes`, async () => {
    const expected = {
      logisticMargin: [Math.LN2, Math.log1p(Math.exp(-1))],
      hingeMargin: [1, 0],
      exponentialMargin: [1, Math.exp(-1)],
    }[name]!;
    close(await read(loss(double([0, 1]), { reduction: "none" })), expected, 1e-12);
    const { error } = await checkGradient((z: Tensor) => loss(z), double([-2, -0.3, 0.4, 3]));
    assert.ok(error < 1e-6, `${error}`);
    const extreme = tensor([1e4, -1e4, 0]);
    const [value, gradient] = await evaluate([loss(extreme), grad((z: Tensor) => loss(z))(extreme)] as const);
    assert.ok(Number.isFinite(item(value)) && values(gradient).every(Number.isFinite));
  });

test("errors", () => {
  assert.throws(() => derivativesOf([1, 2], [0]), /draws has 1 values; expected 2/);
  assert.throws(() => derivativesOf([1], [0], { lambda: Number.NaN }), /lambda is NaN/);
  assert.throws(
    () => surrogateStep(double([1, 2]), double([1])),
    /derivatives is .*expected the shape of margins/,
  );
});
