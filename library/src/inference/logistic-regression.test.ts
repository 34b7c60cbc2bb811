import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { lbfgs, linearScores, logisticRegression } from "./index.ts";

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const cloud = (seed: number, rows: number, inputs: number, classes: number) => {
  const draw = random(seed);
  const labels = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const x = draw.normal(new Float64Array(rows * inputs));
  for (let i = 0; i < x.length; i++) x[i]! += labels[Math.floor(i / inputs)]! * ((i % inputs) - 0.5);
  return { x, labels };
};

test("L-BFGS finds the minimum of Rosenbrock's function, and of a badly scaled quadratic", () => {
  const rosenbrock = ([a, b]: Float64Array, gradient: Float64Array) => {
    gradient[0] = -2 * (1 - a!) - 400 * a! * (b! - a! ** 2);
    gradient[1] = 200 * (b! - a! ** 2);
    return (1 - a!) ** 2 + 100 * (b! - a! ** 2) ** 2;
  };
  const found = lbfgs(rosenbrock, [-1.2, 1], { tolerance: 1e-8 });
  assert.ok(found.converged && found.iterations < 100);
  near(found.x[0]!, 1, 1e-7);
  near(found.x[1]!, 1, 1e-7);
  const scales = [1e-3, 1, 1e3];
  const quadratic = (x: Float64Array, gradient: Float64Array) => {
    scales.forEach((scale, i) => {
      gradient[i] = scale * (x[i]! - 2);
    });
    return scales.reduce((sum, scale, i) => sum + (scale * (x[i]! - 2) ** 2) / 2, 0);
  };
  const at = lbfgs(quadratic, [0, 0, 0], { tolerance: 1e-9 });
  for (const value of at.x) near(value, 2, 1e-5);
  assert.equal(lbfgs(quadratic, [2, 2, 2]).iterations, 0);
  assert.throws(() => lbfgs(() => Number.NaN, [0]), /the value at the start is NaN/);
});

/** The objective's gradient, by its own formula: W + C Σ w (softmax − one-hot) x. */
function gradientAt(
  { x, labels }: ReturnType<typeof cloud>,
  fit: ReturnType<typeof logisticRegression>,
  C: number,
  sampleWeights?: number[],
) {
  const { classes, inputs, weights } = fit;
  const scores = linearScores(fit, x);
  const gradient = Float64Array.from(weights);
  const biases = new Float64Array(classes);
  labels.forEach((label, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes);
    const total = row.reduce((sum, score) => sum + Math.exp(score), 0);
    row.forEach((score, k) => {
      const error = C * (sampleWeights?.[i] ?? 1) * (Math.exp(score) / total - (k === label ? 1 : 0));
      biases[k]! += error;
      for (let j = 0; j < inputs; j++) gradient[k * inputs + j]! += error * x[i * inputs + j]!;
    });
  });
  return { gradient, biases };
}

for (const [classes, C] of [
  [2, 1],
  [3, 0.1],
  [4, 10],
] as const) {
  test(`the optimum with ${classes} classes has no gradient left`, () => {
    for (let seed = 0; seed < 5; seed++) {
      const data = cloud(seed, 60, 3, classes);
      const sampleWeights = [...random(seed).uniform(60, 0, 2)];
      const fit = logisticRegression(data.x, data.labels, { C, sampleWeights });
      assert.ok(fit.converged && fit.gradientNorm <= 1e-6);
      const { gradient, biases } = gradientAt(data, fit, C, sampleWeights);
      // With two classes, those of class 0 are held at zero.
      const from = classes === 2 ? 1 : 0;
      for (const value of [...gradient.subarray(from * 3), ...biases.subarray(from)]) near(value, 0, 1e-5);
    }
  });
}

test("one feature, two values: the log odds are the data's own", () => {
  // Without penalty, σ(w x + b) equals the share of class 1 at both x = 0 (1 of 4) and x = 1 (2 of 3).
  const x = Float64Array.of(0, 0, 0, 0, 1, 1, 1);
  const fit = logisticRegression(x, [0, 0, 0, 1, 0, 1, 1], { C: Number.POSITIVE_INFINITY, tolerance: 1e-9 });
  near(fit.biases[1]!, Math.log(1 / 3), 1e-7);
  near(fit.weights[1]!, Math.log(2) - Math.log(1 / 3), 1e-7);
});

test("a sample weight of 2 is the example twice, of 0 is its absence", () => {
  const { x, labels } = cloud(3, 20, 2, 3);
  const weights = Array.from(labels, (_, i) => i % 3);
  const weighted = logisticRegression(x, labels, { sampleWeights: weights, tolerance: 1e-9 });
  const order = weights.flatMap((weight, i) => Array<number>(weight).fill(i));
  const repeated = logisticRegression(
    Float64Array.from(order.flatMap((i) => [x[i * 2]!, x[i * 2 + 1]!])),
    order.map((i) => labels[i]!),
    { tolerance: 1e-9 },
  );
  weighted.weights.forEach((value, i) => {
    near(value, repeated.weights[i]!, 1e-8);
  });
});

test("separable data: C = 1 keeps the weights small, C without bound lets them grow", () => {
  const x = Float64Array.of(-2, -1, 1, 2);
  const labels = [0, 0, 1, 1];
  const weight = (C: number, maxIterations = 1000) =>
    logisticRegression(x, labels, { C, maxIterations }).weights[1]!;
  assert.ok(weight(1) < 2);
  assert.ok(weight(1) < weight(100) && weight(100) < weight(1e4));
  assert.ok(weight(Number.POSITIVE_INFINITY) > 10);
});

test("two classes by one vector are the softmax of two at half the C", () => {
  const { x, labels } = cloud(5, 40, 2, 2);
  const one = logisticRegression(x, labels, { C: 2, tolerance: 1e-9 });
  // Two vectors W1 = −W0 = w / 2 have the same scores but for a constant, and half the penalty: no gradient at C = 1.
  const half = { ...one, weights: new Float64Array(4), biases: new Float64Array(2) };
  for (let j = 0; j < 2; j++) {
    half.weights[j] = -one.weights[2 + j]! / 2;
    half.weights[2 + j] = one.weights[2 + j]! / 2;
  }
  half.biases = Float64Array.of(-one.biases[1]! / 2, one.biases[1]! / 2);
  for (const value of gradientAt({ x, labels }, half, 1).gradient) near(value, 0, 1e-8);
});

test("extreme features stay finite; misuse is named", () => {
  const fit = logisticRegression(Float64Array.of(-1e4, 1e4, 1e4), [0, 1, 2], { C: 1 });
  assert.ok([...fit.weights, ...fit.biases].every(Number.isFinite));
  const x = new Float64Array(6);
  assert.throws(() => logisticRegression(x, [0, 1, 1, 0]), /x has 6 values for 4 labels/);
  assert.throws(() => logisticRegression(x, [0, 1, 2], { classes: 2 }), /label 2 is 2; expected .* 0 to 1/);
  assert.throws(() => logisticRegression(x, [0, 0, 0]), /there is 1 class; expected at least 2/);
  assert.throws(() => logisticRegression(x, [0, 1, 1], { C: 0 }), /C is 0/);
  assert.throws(
    () => logisticRegression(x, [0, 1, 1], { sampleWeights: [1] }),
    /sampleWeights has 1 entries; expected 3/,
  );
  assert.throws(() => logisticRegression(x, [0, 1, 1], { sampleWeights: [1, -1, 1] }), /weight 1 is -1/);
  assert.throws(
    () => linearScores({ ...fit, inputs: 2 }, new Float64Array(3)),
    /3 values; expected rows of 2/,
  );
});
