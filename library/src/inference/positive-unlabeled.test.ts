import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, item, tensor } from "../index.ts";
import { puRisk } from "../losses/index.ts";
import { random } from "../random.ts";
import {
  estimateLabelFrequency,
  type Features,
  logisticRegression,
  positivePosterior,
  positiveProbabilities,
  propensityWeightedClassifier,
  sarEM,
  softLogisticRegression,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
};
const sigma = (f: number) => 1 / (1 + Math.exp(-f));
const mean = (list: ArrayLike<number>) => Array.from(list).reduce((a, b) => a + b, 0) / list.length;

/** Rows [n, 3]; y is logistic in the first two columns, e in the first alone. */
function simulated(n: number, seed = 1) {
  const draw = random(seed).split("sar");
  const x = draw.normal(new Float64Array(3 * n));
  const e = Float64Array.from({ length: n }, (_, i) => sigma(1.5 * x[3 * i]! - 0.3));
  const y = e.map((_, i) => Number(draw.next() < sigma(2 * x[3 * i + 1]! + x[3 * i]! - 0.2)));
  const s = y.map((label, i) => Number(label === 1 && draw.next() < e[i]!));
  return { x, y, e, s };
}
const agreement = (p: Float64Array, y: Float64Array) =>
  mean(p.map((q, i) => Number(q >= 0.5 === (y[i] === 1))));

test("softLogisticRegression: with labels 0 and 1, logistic regression with an L2 penalty", () => {
  const { x, y } = simulated(200);
  for (const C of [0.1, 1, 100]) {
    const soft = softLogisticRegression(
      x,
      y,
      y.map((v) => 1 - v),
      { C },
    );
    const hard = logisticRegression(x, y, { C, tolerance: 1e-8 });
    close(soft.weights, hard.weights, 1e-5);
    close(soft.biases, hard.biases, 1e-5);
  }
});

test("softLogisticRegression: weights are the same as rows fitted twice; a start changes nothing", () => {
  const { x, y, s } = simulated(100);
  const a = y.map((v, i) => 0.2 + v * 0.7 + 0.05 * s[i]!);
  const b = a.map((v) => 1.3 - v);
  const soft = softLogisticRegression(x, a, b);
  const twice = logisticRegression(Float64Array.from([...x, ...x]), [...y.map(() => 1), ...y.map(() => 0)], {
    sampleWeights: [...a, ...b],
    tolerance: 1e-8,
  });
  close(soft.weights, twice.weights, 1e-5);
  const start = softLogisticRegression(x, b, a, { C: 5 });
  close(softLogisticRegression(x, a, b, { start }).weights, soft.weights, 1e-6);
});

test("propensityWeightedClassifier minimises puRisk with the penalty, negative weights included", async () => {
  const { x, s, e } = simulated(80);
  const fit = propensityWeightedClassifier(x, s, e);
  const at = async (shift: (j: number) => number) => {
    const w = [0, 1, 2].map((j) => fit.weights[3 + j]! + shift(j));
    const f = Float64Array.from(s, (_, i) =>
      w.reduce((sum, v, j) => sum + v * x[3 * i + j]!, fit.biases[1]! + shift(3)),
    );
    const risk = puRisk(tensor(f), tensor(s), tensor(e), { reduction: "sum" });
    return item(await evaluate(risk)) + w.reduce((sum, v) => sum + v * v, 0) / 2;
  };
  const best = await at(() => 0);
  for (let k = 0; k < 4; k++)
    for (const step of [-0.01, 0.01]) assert.ok((await at((j) => (j === k ? step : 0))) > best);
});

test("propensityWeightedClassifier: propensity 1 counts unlabelled rows as negative; a number is a constant", () => {
  const { x, s } = simulated(150);
  const naive = propensityWeightedClassifier(x, s, 1);
  close(naive.weights, logisticRegression(x, s, { tolerance: 1e-8 }).weights, 1e-5);
  close(
    propensityWeightedClassifier(x, s, 0.5).weights,
    propensityWeightedClassifier(x, s, Array(150).fill(0.5)).weights,
  );
});

test("positivePosterior: worked example; certain labelling leaves no hidden positives", () => {
  close(positivePosterior([0.6, 0.6, 0.6, 1], [0.5, 0.5, 1, 1], [0, 1, 0, 0]), [3 / 7, 1, 0, 0], 1e-12);
});

test("estimateLabelFrequency: near the truth where labels are given completely at random and classes are apart", () => {
  const draw = random(3);
  const n = 2000;
  const y = Array.from({ length: n }, (_, i) => i % 2);
  const x = Float64Array.from(y, (label) => 8 * label + draw.split("x").next() - 4);
  const s = y.map((label) => Number(label === 1 && draw.next() < 0.4));
  assert.ok(Math.abs(estimateLabelFrequency(x, s) - 0.4) < 0.03);
});

test("sarEM: the penalised likelihood never falls, and propensities come near the truth", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { x, y, e, s } = simulated(2000, seed);
    const fit = sarEM(x, s, { propensityAttributes: [0] });
    for (let i = 1; i < fit.trace.length; i++)
      assert.ok(
        fit.trace[i]! >= fit.trace[i - 1]! - 1e-9,
        `round ${i}: ${fit.trace[i - 1]} to ${fit.trace[i]}`,
      );
    const errors = e.map((v, i) => y[i]! * (v - fit.propensity[i]!));
    const error = Math.sqrt(mean(errors.map((v) => v * v)) / mean(y));
    assert.ok(error < 0.12, `propensities off by ${error}`);
    const accuracy = (c: Parameters<typeof positiveProbabilities>[0]) =>
      agreement(positiveProbabilities(c, x), y);
    const naive = accuracy(propensityWeightedClassifier(x, s, 1));
    const constant = accuracy(propensityWeightedClassifier(x, s, mean(s) / mean(y)));
    const em = accuracy(fit.classifier);
    assert.ok(em > naive + 0.05 && em > constant, `${naive} ${constant} ${em}`);
  }
});

test("sarEM: without the last fit it returns the classifier of the last round; few rounds do not converge", () => {
  const { x, s } = simulated(300);
  const short = sarEM(x, s, { propensityAttributes: [0], maxIterations: 3 });
  assert.equal(short.converged, false);
  assert.equal(short.trace.length, 4);
  const options = { propensityAttributes: [0], maxIterations: 3, refit: false };
  assert.notDeepEqual(sarEM(x, s, options).classifier.weights, short.classifier.weights);
  assert.equal(sarEM(x, s, { propensityAttributes: [0], tolerance: 1e-3 }).converged, true);
});

test("extreme inputs: separable rows, equal rows, large features stay finite", () => {
  const finite = (x: Features, s: number[]) => {
    const { classifier, propensity } = sarEM(x, s, { propensityAttributes: [0], maxIterations: 20 });
    assert.ok([...classifier.weights, ...classifier.biases, ...propensity].every(Number.isFinite));
  };
  finite(Float64Array.of(-1, -1, 1, 1), [0, 0, 1, 1]);
  finite(Float64Array.of(2, 2, 2), [0, 1, 0]);
  finite(Float64Array.of(-1e4, 0, 1e4, 3e4), [0, 0, 1, 1]);
});

test("errors name the argument, what it is and what is expected", () => {
  const x = Float64Array.of(1, 2);
  assert.throws(
    () => propensityWeightedClassifier(x, [1, 2], 1),
    /observed 1 is 2; expected 1 \(labelled\) or 0/,
  );
  assert.throws(() => propensityWeightedClassifier(x, [1, 0], 0), /propensity 0 is 0; expected above 0/);
  assert.throws(() => propensityWeightedClassifier(x, [1, 0], [1]), /propensity has 1 entries; expected 2/);
  assert.throws(() => sarEM(x, [1, 0], { propensityAttributes: [1] }), /propensityAttributes is \[1\]/);
  assert.throws(() => sarEM(x, [0, 0], { propensityAttributes: [0] }), /observed is 0 in all rows/);
  assert.throws(() => estimateLabelFrequency(x, [0, 0]), /no labelled row/);
  assert.throws(() => softLogisticRegression(x, [1, 1], [1]), /negativeWeights has 1 entries; expected 2/);
  assert.throws(() => softLogisticRegression(x, [1, 1], [0, -2]), /row 1 sum to -1; expected at least 0/);
  assert.throws(() => softLogisticRegression(x, [1, 1], [0, 0], { C: 0 }), /C is 0/);
});
