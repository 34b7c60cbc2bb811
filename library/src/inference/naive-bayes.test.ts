import assert from "node:assert/strict";
import { test } from "node:test";
import { argMax } from "../metrics/index.ts";
import { random } from "../random.ts";
import {
  type ClassMoments,
  classMoments,
  gaussianNaiveBayes,
  linearScores,
  logisticRegression,
  mergeClassMoments,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const scale = Math.max(1, Math.abs(expected[i]!));
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance * scale,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
};
const cloud = (seed: number, rows: number) => {
  const draw = random(seed);
  const labels = Int32Array.from({ length: rows }, (_, i) => (i < 3 ? i : draw.integer(0, 3)));
  const x = draw.normal(new Float64Array(rows * 2), 5);
  for (let i = 0; i < rows; i++) {
    x[2 * i]! += labels[i]!;
    x[2 * i + 1]! *= 1 + labels[i]!;
  }
  return { x, labels };
};

test("a worked example: means, pooled variance, scores", () => {
  // Class 0: 0, 2 (mean 1, variance 1). Class 1: 4, 4, 10 (mean 6, variance 8). v = (2 · 1 + 3 · 8) / 5 = 5.2.
  const model = gaussianNaiveBayes(classMoments(Float64Array.of(0, 2, 4, 4, 10), [0, 0, 1, 1, 1]));
  close(model.weights, [1 / 5.2, 6 / 5.2], 1e-8);
  close(model.biases, [Math.log(0.4) - 1 / 10.4, Math.log(0.6) - 36 / 10.4], 1e-8);
});

test("differences of scores are those of the Gaussian log densities with one diagonal covariance", () => {
  const { x, labels } = cloud(1, 50);
  const moments = classMoments(x, labels);
  const model = gaussianNaiveBayes(moments, { varianceFloor: 1e-12 });
  // The pooled within-class variance by two passes, as linear discriminant analysis has it.
  const pooled = [0, 1].map(
    (j) =>
      labels.reduce((sum, label, i) => sum + (x[2 * i + j]! - moments.means[2 * label + j]!) ** 2, 0) / 50,
  );
  const point = [5.5, 7];
  const density = (k: number) =>
    Math.log(moments.counts[k]! / 50) -
    [0, 1].reduce((sum, j) => sum + (point[j]! - moments.means[2 * k + j]!) ** 2 / pooled[j]! / 2, 0);
  const scores = linearScores(model, Float64Array.from(point));
  close(
    [scores[1]! - scores[0]!, scores[2]! - scores[0]!],
    [density(1) - density(0), density(2) - density(0)],
    1e-9,
  );
});

test("merging parts is the same as one pass, in any cut", () => {
  const { x, labels } = cloud(2, 40);
  const whole = classMoments(x, labels);
  for (const cut of [1, 3, 20, 39]) {
    const parts = [
      classMoments(x.subarray(0, 2 * cut), labels.subarray(0, cut), { classes: 3 }),
      classMoments(x.subarray(2 * cut), labels.subarray(cut), { classes: 3 }),
    ] as [ClassMoments, ClassMoments];
    const merged = mergeClassMoments(...parts);
    for (const part of ["counts", "means", "squares"] as const) close(merged[part], whole[part], 1e-10);
  }
});

test("predictions do not change with the scale and place of a feature; those of logistic regression with C = 1 do", () => {
  const { x, labels } = cloud(3, 60);
  const scaled = x.map((value, i) => (i % 2 === 0 ? 1000 * value - 3 : value / 100));
  const predict = (data: Float64Array) =>
    argMax(linearScores(gaussianNaiveBayes(classMoments(data, labels), { varianceFloor: 1e-15 }), data), 3);
  assert.deepEqual(predict(scaled), predict(x));
  const weights = (data: Float64Array) => logisticRegression(data, labels).weights;
  const [before, after] = [weights(x), weights(scaled)];
  assert.ok(Math.abs(after[1]! / 100 - before[1]!) > 1e-3);
});

test("a constant feature, one example a class, and misuse", () => {
  const model = gaussianNaiveBayes(classMoments(Float64Array.of(7, 0, 7, 1), [0, 1]));
  assert.ok([...model.weights, ...model.biases].every(Number.isFinite));
  assert.deepEqual([...argMax(linearScores(model, Float64Array.of(7, 0.1, 7, 0.9)), 2)], [0, 1]);
  assert.throws(
    () => gaussianNaiveBayes(classMoments(new Float64Array(2), [0, 2])),
    /class 1 has no example/,
  );
  assert.throws(() => classMoments(new Float64Array(3), [0, 1]), /x has 3 values for 2 labels/);
  const two = classMoments(new Float64Array(2), [0, 1]);
  const three = classMoments(new Float64Array(3), [0, 1, 2]);
  assert.throws(() => mergeClassMoments(two, three), /2 classes of 1 features and 3 of 1/);
  assert.throws(() => gaussianNaiveBayes(two, { varianceFloor: 0 }), /varianceFloor is 0/);
});
