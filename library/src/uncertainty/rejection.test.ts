import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { calibratedBeta, rejectionLoss, rejectionSurrogate } from "./index.ts";

const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const double = (list: number[]) => tensor(list, { dtype: "float64" });
const lossOf = async (r: number[], a: number[], options: Parameters<typeof rejectionSurrogate>[2]) => [
  ...values(await evaluate(rejectionSurrogate(double(r), double(a), { ...options, reduction: "none" }))),
];

test("calibrated β: worked values", () => {
  for (const [alpha, cost, beta] of [
    [4, 0.1, 17.214147],
    [4, 0.5, 15.048783],
    [4, 0.05, 19.920853],
    [1, 0.5, 1.127626],
    [1, 0.1, 3.553749],
  ] as const)
    close(calibratedBeta(alpha, cost), beta);
});

test("surrogate: worked values at r = 0", async () => {
  const [bad, good] = await lossOf([0, 0], [-1, 1], { cost: 0.1, alpha: 4, beta: 1 });
  close(bad!, 7.489056);
  close(good!, 0.235335);
});

test("the minimiser changes sign where an output is bad with probability c, and has its closed form", async () => {
  const [alpha, cost] = [1, 0.3];
  const beta = calibratedBeta(alpha, cost);
  for (const [eta, minimiser] of [
    [0.2, 0.059223],
    [0.29, 0.005612],
    [0.3, 0],
    [0.31, -0.005548],
    [0.5, -0.100581],
  ] as const) {
    const mix = eta * Math.exp(alpha / 2) + (1 - eta) * Math.exp(-alpha / 2);
    const closed = Math.log((cost * beta) / ((alpha / 2) * mix)) / (alpha / 2 + beta);
    close(closed, minimiser);
    // The expected loss has no slope there.
    const slope = grad((r: Tensor) => rejectionSurrogate(r, double([-1]), { cost, alpha, reduction: "sum" }));
    const other = grad((r: Tensor) => rejectionSurrogate(r, double([1]), { cost, alpha, reduction: "sum" }));
    const [down, up] = await evaluate([slope(double([closed])), other(double([closed]))] as const);
    close(eta * values(down)[0]! + (1 - eta) * values(up)[0]!, 0, 1e-9);
  }
});

test("the surrogate lies above the rejection loss and is convex", async () => {
  const draw = random("above");
  const r = [...draw.uniform(new Float64Array(300), -4, 4), 0, 1e-9, -1e-9];
  for (const cost of [0.02, 0.3, 0.9]) {
    for (const a of [-1, 1]) {
      const losses = await lossOf(
        r,
        r.map(() => a),
        { cost },
      );
      r.forEach((score, i) => {
        const target = score > 0 ? (a === -1 ? 1 : 0) : cost;
        assert.ok(losses[i]! >= target - 1e-12, `r = ${score}, a = ${a}: ${losses[i]} below ${target}`);
      });
      const middle = await lossOf(
        r.slice(1).map((score, i) => (score + r[i]!) / 2),
        r.slice(1).map(() => a),
        { cost },
      );
      middle.forEach((value, i) => {
        assert.ok(value <= ((losses[i]! + losses[i + 1]!) / 2) * (1 + 1e-12) + 1e-12);
      });
    }
  }
});

test("rejection loss: worked example", () => {
  close(rejectionLoss([1, 1, -1, 0], [1, -1, 1, 0], 0.1), (0 + 1 + 0.1 + 0.1) / 4, 1e-12);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1 }), (acceptable) => {
      // Rejecting everything costs c, accepting everything the error rate.
      close(
        rejectionLoss(
          acceptable.map(() => -1),
          acceptable,
          0.25,
        ),
        0.25,
        1e-12,
      );
      const bad = acceptable.filter((a) => a === 0).length / acceptable.length;
      close(
        rejectionLoss(
          acceptable.map(() => 1),
          acceptable,
          0.25,
        ),
        bad,
        1e-12,
      );
    }),
  );
});

test("gradients agree with central differences, on the tangents too", async () => {
  const cases = Array.from({ length: 20 }, (_, seed) => {
    const draw = random("gradient").split(seed);
    const n = 1 + (seed % 5);
    const acceptable = double([...draw.bernoulli(n, 0.5)].map((bit) => 2 * bit - 1));
    const options = { cost: draw.uniform(1, 0.02, 0.98)[0]!, alpha: 0.5 + 0.2 * seed };
    return {
      f: (r: Tensor) =>
        rejectionSurrogate(r, acceptable, { ...options, reduction: seed % 2 ? "mean" : "sum" }),
      params: double([...draw.normal(n, 0, 0.5)]),
    };
  });
  // Beyond the point where the exponentials go on as tangents.
  cases.push({
    f: (r: Tensor) => rejectionSurrogate(r, double([-1, 1]), { cost: 0.1 }),
    params: double([12, -3]),
  });
  for (const [i, { error }] of (await checkGradients(cases)).entries())
    assert.ok(error < 1e-4, `case ${i}: ${error}`);
});

test("extreme scores stay finite in float32, with a slope that leads back", async () => {
  const r = tensor([1e4, -1e4, 1e4, -1e4]);
  const a = tensor([1, 1, -1, -1]);
  const [loss, slope] = await evaluate([
    rejectionSurrogate(r, a, { cost: 0.05 }),
    grad((x: Tensor) => rejectionSurrogate(x, a, { cost: 0.05, reduction: "sum" }))(r),
  ] as const);
  assert.ok(Number.isFinite(item(loss)));
  assert.ok(values(slope).every(Number.isFinite));
  assert.deepEqual([...values(slope)].map(Math.sign), [1, -1, 1, -1]);
});

test("errors name the argument, its value and what is expected", () => {
  const r = double([1, 2]);
  assert.throws(() => rejectionSurrogate(r, double([1]), { cost: 0.1 }), /expected two of \[n\]/);
  assert.throws(() => rejectionSurrogate(r, r, { cost: 1 }), /cost is 1; expected above 0 and below 1/);
  assert.throws(() => rejectionSurrogate(r, r, { cost: 0.1, alpha: 0 }), /alpha is 0/);
  assert.throws(() => rejectionSurrogate(r, r, { cost: 0.1, beta: -1 }), /beta is -1/);
  assert.throws(() => rejectionLoss([1], [], 0.1), /have 1 and 0 entries/);
});
