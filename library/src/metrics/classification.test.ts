import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accuracy,
  argMax,
  balancedAccuracy,
  confusionMatrix,
  f1FromCounts,
  fBetaFromCounts,
  macroF1,
  macroFBeta,
  microFBeta,
  multilabelCounts,
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

test("F-beta, micro and macro, agree with scikit-learn 1.9.1 on a multi-label task", () => {
  const truth = [1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0];
  const found = [1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1];
  const counts = multilabelCounts(found, truth, 3);
  assert.deepEqual(counts[2], { truePositives: 1, falsePositives: 2, falseNegatives: 1 });
  const expected = [
    [1, 0.6153846153846154, 0.6222222222222222],
    [0.5, 0.6451612903225806, 0.6998556998556998],
    [2, 0.5882352941176471, 0.5747955747955747],
  ];
  for (const [beta, micro, macro] of expected) {
    assert.ok(Math.abs(microFBeta(counts, beta) - micro) < 1e-12, `micro ${beta}`);
    assert.ok(Math.abs(macroFBeta(counts, beta) - macro) < 1e-12, `macro ${beta}`);
  }
  assert.equal(fBetaFromCounts({ truePositives: 6, falsePositives: 2, falseNegatives: 6 }, 1), 0.6);
  assert.equal(fBetaFromCounts({ truePositives: 0, falsePositives: 0, falseNegatives: 0 }, 2), 0);
});

test("argMax takes the first of equal values", () => {
  assert.deepEqual([...argMax([1, 3, 3, -2, -1, -5], 3)], [1, 1]);
});

test("bad arguments are named", () => {
  assert.throws(() => accuracy([1], [1, 2]), /1 and 2 entries/);
  assert.throws(() => accuracy([], []), /are empty/);
  assert.throws(
    () => fBetaFromCounts({ truePositives: 1, falsePositives: 0, falseNegatives: 0 }, 0),
    /beta 0/,
  );
  assert.throws(() => macroFBeta([]), /no class/);
  assert.throws(() => multilabelCounts([1, 0], [1, 2], 2), /entry 1 has label 2 and prediction 0/);
  assert.throws(() => multilabelCounts([1, 0, 1], [1, 0, 1], 2), /3 labels are no rows of 2/);
  assert.throws(() => argMax([1, 2, 3], 2), /3 values are no rows of 2/);
  assert.throws(() => confusionMatrix([0, 4], [0, 1], 4), /entry 1 has label 1 and prediction 4/);
});
