import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accuracy,
  argMax,
  balancedAccuracy,
  confusionMatrix,
  f1FromCounts,
  macroF1,
} from "./classification.ts";

// Expected values: scikit-learn 1.2.1.
const labels = [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 2, 0, 2, 1, 0];
const predictions = [0, 1, 3, 3, 3, 1, 2, 2, 0, 0, 0, 3, 2, 1, 0];

test("accuracies and F1 agree with scikit-learn", () => {
  assert.equal(accuracy(predictions, labels), 5 / 15);
  assert.ok(Math.abs(balancedAccuracy(predictions, labels) - 0.37777777777777777) < 1e-12);
  assert.ok(Math.abs(macroF1(predictions, labels) - 0.2833333333333333) < 1e-12);
  assert.deepEqual(
    [...confusionMatrix(predictions, labels, 4)],
    [3, 2, 2, 3, 0, 1, 0, 1, 2, 0, 1, 0, 0, 0, 0, 0],
  );
});

test("f1FromCounts: by hand, and 0 where nothing was found", () => {
  const { precision, recall, f1 } = f1FromCounts({ truePositives: 6, falsePositives: 2, falseNegatives: 6 });
  assert.deepEqual([precision, recall, f1], [0.75, 0.5, 0.6]);
  const none = { precision: 0, recall: 0, f1: 0 };
  assert.deepEqual(f1FromCounts({ truePositives: 0, falsePositives: 0, falseNegatives: 0 }), none);
});

test("argMax takes the first of equal values", () => {
  assert.deepEqual([...argMax([1, 3, 3, -2, -1, -5], 3)], [1, 1]);
});

test("bad arguments are named", () => {
  assert.throws(() => accuracy([1], [1, 2]), /1 and 2 entries/);
  assert.throws(() => accuracy([], []), /are empty/);
  assert.throws(() => argMax([1, 2, 3], 2), /3 values are no rows of 2/);
  assert.throws(() => confusionMatrix([0, 4], [0, 1], 4), /entry 1 has label 1 and prediction 4/);
});
