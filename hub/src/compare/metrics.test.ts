import assert from "node:assert/strict";
import { test } from "node:test";
import { accuracy, argMax, balancedAccuracy, ece, logLoss, macroF1, rocAuc } from "nearmiss/metrics";
import { random } from "nearmiss/random";
import {
  classPredictions,
  defaultMetric,
  fittingMetrics,
  guide,
  measure,
  metricOf,
  reliability,
  takeRows,
} from "./metrics.ts";

/** Probabilities [n, classes] that have something to do with the labels. */
function made(n: number, classes: number) {
  const stream = random(5);
  const labels = Int32Array.from({ length: n }, () => stream.integer(0, classes));
  const probabilities = new Float32Array(n * classes);
  for (let row = 0; row < n; row++) {
    const weights = Array.from({ length: classes }, (_, k) => stream.next() + (k === labels[row] ? 0.5 : 0));
    const sum = weights.reduce((a, b) => a + b);
    probabilities.set(
      weights.map((weight) => weight / sum),
      row * classes,
    );
  }
  return { probabilities, labels };
}

test("all metrics of classes are those of nearmiss/metrics", () => {
  const { probabilities, labels } = made(300, 2);
  const predicted = argMax(probabilities, 2);
  const expected: Record<string, number> = {
    accuracy: accuracy(predicted, labels),
    "balanced-accuracy": balancedAccuracy(predicted, labels),
    "macro-f1": macroF1(predicted, labels),
    auc: rocAuc(
      Float64Array.from(labels, (_, row) => probabilities[2 * row + 1]),
      labels,
    ),
    "log-loss": logLoss(probabilities, labels),
    ece: ece(probabilities, labels),
  };
  const found = measure(fittingMetrics("classification", 2), classPredictions(probabilities, labels));
  assert.deepEqual(Object.keys(found), Object.keys(expected));
  for (const [name, value] of Object.entries(expected))
    assert.ok(Math.abs(found[name] - value) < 1e-12, name);
  const three = made(300, 3);
  const { ece: found3 } = measure(["ece"], classPredictions(three.probabilities, three.labels));
  assert.ok(Math.abs(found3 - ece(three.probabilities, three.labels)) < 1e-12);
});

test("numbers: RMSE and MAE by hand", () => {
  const predictions = { targets: Float64Array.of(1, 2, 3), predicted: Float64Array.of(1, 4, 2) };
  const found = measure(fittingMetrics("regression"), predictions);
  assert.ok(Math.abs(found.rmse - Math.sqrt(5 / 3)) < 1e-12);
  assert.equal(found.mae, 1);
});

test("metrics fit their targets, and the default suits the classes' sizes", () => {
  assert.ok(!fittingMetrics("classification", 3).includes("auc"));
  assert.equal(defaultMetric("classification", [100, 60]).name, "accuracy");
  assert.equal(defaultMetric("classification", [100, 49]).name, "balanced-accuracy");
  assert.equal(defaultMetric("regression").name, "rmse");
});

test("rows of predictions can be taken, with repeats", () => {
  const { probabilities, labels } = made(50, 3);
  const all = classPredictions(probabilities, labels);
  const taken = takeRows(all, Int32Array.of(7, 7, 3));
  assert.deepEqual([...taken.labels], [labels[7], labels[7], labels[3]]);
  assert.deepEqual([...taken.likelihoods], [all.likelihoods[7], all.likelihoods[7], all.likelihoods[3]]);
});

test("where a metric stands still, the log-loss guides, and never against it", () => {
  const labels = Int32Array.of(0, 0, 1);
  const sure = classPredictions(Float32Array.of(0.9, 0.1, 0.9, 0.1, 0.6, 0.4), labels);
  const unsure = classPredictions(Float32Array.of(0.9, 0.1, 0.9, 0.1, 0.9, 0.1), labels);
  const right = classPredictions(Float32Array.of(0.51, 0.49, 0.51, 0.49, 0.49, 0.51), labels);
  const metric = metricOf("balanced-accuracy");
  assert.equal(metric.compute(sure), metric.compute(unsure));
  assert.ok(guide(metric, sure) > guide(metric, unsure));
  assert.ok(guide(metric, right) > guide(metric, sure));
});

test("reliability counts every row once", () => {
  const { probabilities, labels } = made(200, 3);
  const bins = reliability(classPredictions(probabilities, labels));
  assert.equal(
    bins.reduce((sum, { count }) => sum + count, 0),
    200,
  );
});
