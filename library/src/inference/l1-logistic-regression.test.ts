import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { l1LogisticRegression } from "./index.ts";

const wave = (length: number, index: number, amplitude: number) =>
  Float64Array.from({ length }, (_, k) => amplitude * Math.sin(k + 10 * index));
const [n, d] = [40, 5];
const other = wave(n * d, 7, 1);
const x = wave(n * d, 3, 2).map((each, i) => each + other[i]! ** 2);
const labels = Int32Array.from({ length: n }, (_, i) =>
  Number(x[i * d]! - 0.5 * x[i * d + 2]! + 0.8 * Math.sin(i * 1.7) > 0),
);

// LogisticRegression(penalty="l1", solver="saga") of scikit-learn 1.2.1.
const expected = [
  { C: 0.05, weights: [0, 0, 0, -0.1435272, 0], bias: 0.0780552 },
  { C: 0.2, weights: [0.4522552, 0, -0.3769319, -0.5523899, 0], bias: 0.3586869 },
  { C: 1, weights: [1.2413743, 0, -0.9181416, -0.5333245, 0], bias: 0.6462435 },
];

test("the weights of scikit-learn's", () => {
  for (const { C, weights, bias } of expected) {
    const fit = l1LogisticRegression(x, labels, { C, tolerance: 1e-10, maxIterations: 100_000 });
    weights.forEach((weight, j) => {
      assert.ok(Math.abs(fit.weights[d + j]! - weight) < 2e-6, `C ${C}, ${j}: ${fit.weights[d + j]}`);
      if (weight === 0) assert.equal(fit.weights[d + j], 0);
    });
    assert.ok(Math.abs(fit.biases[1]! - bias) < 2e-6);
    assert.equal(fit.nonZero, weights.filter((each) => each !== 0).length);
  }
});

test("at the fit no weight can gain: the gradient is within the penalty, and on its border where weights are not 0", () => {
  for (const seed of [1, 2, 3]) {
    const z = random(seed).normal(new Float64Array(60 * 8));
    const y = Int32Array.from({ length: 60 }, (_, i) => Number(z[i * 8]! + z[i * 8 + 5]! > 0));
    const fit = l1LogisticRegression(z, y, { C: 0.3, tolerance: 1e-9, maxIterations: 10_000 });
    for (let j = 0; j < 8; j++) {
      let gradient = 0;
      for (let i = 0; i < 60; i++) {
        let score = fit.biases[1]!;
        for (let k = 0; k < 8; k++) score += fit.weights[8 + k]! * z[i * 8 + k]!;
        gradient += 0.3 * z[i * 8 + j]! * (1 / (1 + Math.exp(-score)) - y[i]!);
      }
      const weight = fit.weights[8 + j]!;
      if (weight === 0) assert.ok(Math.abs(gradient) <= 1 + 1e-6);
      else assert.ok(Math.abs(gradient + Math.sign(weight)) < 1e-6, `${gradient} at ${weight}`);
    }
  }
});

test("with a strong penalty only the bias is left: the log-odds of the labels", () => {
  const y = labels.map((_, i) => Number(i < 10));
  const fit = l1LogisticRegression(x, y, { C: 1e-3, tolerance: 1e-9 });
  assert.equal(fit.nonZero, 0);
  assert.ok(Math.abs(fit.biases[1]! - Math.log(10 / 30)) < 1e-5);
});

test("extreme and constant features, and bad input", () => {
  const fit = l1LogisticRegression(Float64Array.of(1e4, 0, -1e4, 0, 1e4, 0, -1e4, 0), [1, 0, 1, 0]);
  assert.ok([...fit.weights, ...fit.biases].every(Number.isFinite));
  assert.throws(() => l1LogisticRegression(Float64Array.of(1, 2), [0, 1], { C: 0 }), /C is 0/);
  assert.throws(() => l1LogisticRegression(Float64Array.of(1, 2), [0, 2]), /label 1 is 2/);
});
