import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { averagePrecision, bestThresholdF1, prAuc, precisionRecallCurve } from "./precision-recall.ts";
import {
  equalErrorRate,
  fprAtTpr,
  partialAuc,
  rocAuc,
  rocCurve,
  standardizedPartialAuc,
  tprAtFpr,
} from "./roc.ts";

// 24 items with ties within and across the classes. Expected values: scikit-learn 1.2.1.
const scores = [
  0.1, -0.1, -2, 0.2, 0.6, 0.1, -0.6, -0.4, -0.8, -0.6, 1.4, 0, 0.6, 1.3, -0.5, -0.1, 0.1, 0.1, -1, 0.1, 1.7,
  -0.6, 0.7, 0.7,
];
const labels = [0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1];
const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} for ${expected}`);

test("rocCurve agrees with scikit-learn, ties taken in one step", () => {
  const { falsePositiveRate, truePositiveRate, thresholds } = rocCurve(scores, labels);
  assert.deepEqual(
    [...falsePositiveRate].map((rate) => Math.round(rate * 14)),
    [0, 0, 0, 0, 1, 1, 1, 6, 6, 8, 9, 10, 11, 12, 13, 14],
  );
  assert.deepEqual(
    [...truePositiveRate].map((rate) => Math.round(rate * 10)),
    [0, 1, 2, 3, 4, 6, 7, 7, 8, 8, 8, 8, 10, 10, 10, 10],
  );
  assert.deepEqual(
    [...thresholds],
    [Infinity, 1.7, 1.4, 1.3, 0.7, 0.6, 0.2, 0.1, 0, -0.1, -0.4, -0.5, -0.6, -0.8, -1, -2],
  );
});

test("areas agree with scikit-learn", () => {
  close(rocAuc(scores, labels), 0.7821428571428571);
  close(standardizedPartialAuc(scores, labels, 0.1), 0.7105263157894737);
  close(standardizedPartialAuc(scores, labels, 0.25), 0.7714285714285714);
  close(standardizedPartialAuc(scores, labels, 0.5), 0.7761904761904761);
  close(standardizedPartialAuc(scores, labels, 1), 0.7821428571428571);
  close(averagePrecision(scores, labels), 0.7913095238095237);
  close(prAuc(scores, labels), 0.789879426129426);
});

test("partialAuc is the plain area: perfect scores give maxFpr, constant ones half its square", () => {
  close(partialAuc([4, 3, 2, 1], [1, 1, 0, 0], 0.01), 0.01);
  close(standardizedPartialAuc([4, 3, 2, 1], [1, 1, 0, 0], 0.01), 1);
  close(partialAuc([1, 1, 1, 1], [1, 1, 0, 0], 0.2), 0.02);
  close(standardizedPartialAuc([1, 1, 1, 1], [1, 1, 0, 0], 0.2), 0.5);
  close(partialAuc(scores, labels, 1), rocAuc(scores, labels));
});

test("rocAuc is the share of pairs in the right order, ties half", () => {
  const item = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom(0, 1));
  fc.assert(
    fc.property(fc.array(item, { maxLength: 40 }), (items) => {
      const all: [number, number][] = [[2, 0], [3, 1], ...items];
      const [positives, negatives] = [1, 0].map((y) =>
        all.filter(([, label]) => label === y).map(([score]) => score),
      );
      let wins = 0;
      for (const p of positives) for (const n of negatives) wins += p > n ? 1 : p === n ? 0.5 : 0;
      const [xs, ys] = [all.map(([score]) => score), all.map(([, label]) => label)];
      close(rocAuc(xs, ys), wins / (positives.length * negatives.length));
      close(partialAuc(xs, ys, 1), wins / (positives.length * negatives.length), 1e-9);
    }),
  );
});

test("rates at a rate come from real thresholds", () => {
  close(fprAtTpr(scores, labels, 0.7), 1 / 14);
  close(fprAtTpr(scores, labels, 0.71), 6 / 14);
  close(fprAtTpr(scores, labels), 11 / 14);
  close(tprAtFpr(scores, labels, 0.05), 0.3);
  close(tprAtFpr(scores, labels, 0.1), 0.7);
});

test("bestThresholdF1 agrees with a search over scikit-learn's curve, and its threshold gives its F1", () => {
  const best = bestThresholdF1(scores, labels);
  close(best.f1, 0.7777777777777777);
  close(best.precision, 0.875);
  close(best.recall, 0.7);
  assert.equal(best.threshold, 0.2);
});

test("precisionRecallCurve: recall rises to 1, precision ends at the share of positives", () => {
  const { precision, recall } = precisionRecallCurve(scores, labels);
  assert.equal(recall.at(-1), 1);
  close(precision.at(-1)!, 10 / 24);
  assert.ok(recall.every((value, i) => i === 0 || value >= recall[i - 1]));
});

test("100,000 scores take well under a second", () => {
  const stream = random(1);
  const many = stream.normal(100_000);
  const truth = stream.bernoulli(100_000, 0.3);
  const start = performance.now();
  close(rocAuc(many, truth), 0.5, 0.01);
  assert.ok(performance.now() - start < 1000);
});

test("one class, NaN, other labels and lists of unequal length are refused", () => {
  assert.throws(
    () => rocAuc([1, 2], [1, 1]),
    /both classes are needed, there are 2 positives and 0 negatives/,
  );
  assert.throws(() => averagePrecision([1, Number.NaN], [1, 0]), /score 1 is NaN/);
  assert.throws(() => rocAuc([1, 2], [1, -1]), /label 1 is -1/);
  assert.throws(() => rocCurve([1], [1, 0]), /1 and 2 entries/);
  assert.throws(() => partialAuc([1, 2], [1, 0], 0), /maxFpr 0/);
});

test("equal error rate: by SciPy's root of the interpolated curve, and at its ends", () => {
  const scores = [0.9, 0.8, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4, 0.35, 0.2, 0.1];
  const labels = [1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0];
  const near = (value: number, expected: number) => assert.ok(Math.abs(value - expected) < 1e-12, `${value}`);
  near(equalErrorRate(scores, labels), 0.4);
  near(equalErrorRate([0.4, 0.3, 0.2, 0.1], [1, 1, 0, 0]), 0);
  near(equalErrorRate([0.1, 0.2, 0.3, 0.4], [1, 1, 0, 0]), 1);
  near(equalErrorRate([1, 1, 1, 1], [1, 0, 1, 0]), 0.5);
  // Between the points (0, 1/2) and (1/3, 1).
  near(equalErrorRate([3, 2, 2, 1, 1], [1, 0, 1, 0, 0]), 0.2);
  assert.throws(() => equalErrorRate([1], [1]), /both classes/);
});
