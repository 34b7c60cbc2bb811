import assert from "node:assert/strict";
import { test } from "node:test";
import { brier, ece, logLoss, reliabilityBins, reliabilityDiagram } from "./calibration.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} for ${expected}`);

// 200 two-class items. Expected values: NumPy for ECE, scikit-learn 1.2.1 for the others.
const fractions = Array.from({ length: 200 }, (_, i) => (i * 0.6180339887498949) % 1);
const binary = fractions.flatMap((u) => [0.5 + 0.5 * u, 1 - (0.5 + 0.5 * u)]);
const outcomes = fractions.map((u, i) => (((i * 37) % 100) / 100 < 0.3 + 0.6 * u ? 0 : 1));
// 15 items of four classes.
const probabilities = [
  0.66, 0.22, 0.02, 0.1, 0.39, 0.47, 0.05, 0.09, 0.03, 0.1, 0.17, 0.7, 0.25, 0.34, 0.01, 0.4, 0.03, 0.24,
  0.09, 0.64, 0.21, 0.45, 0.02, 0.32, 0.23, 0.11, 0.42, 0.24, 0.34, 0.02, 0.43, 0.21, 0.43, 0.12, 0.24, 0.21,
  0.37, 0.11, 0.23, 0.29, 0.43, 0.12, 0.39, 0.06, 0.33, 0.14, 0.1, 0.43, 0.11, 0.01, 0.87, 0.01, 0.18, 0.36,
  0.32, 0.14, 0.43, 0.01, 0.41, 0.15,
];
const labels = [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 2, 0, 2, 1, 0];

test("ece agrees with the definition over 5, 10 and 15 bins", () => {
  close(ece(binary, outcomes, { bins: 5 }), 0.1596909403072715);
  close(ece(binary, outcomes, { bins: 10 }), 0.16469094030727136);
  close(ece(binary, outcomes), 0.15969094030727138);
  close(ece(probabilities, labels), 0.2993333333333334);
});

test("ece by hand: two bins, one off by 0.2 and one by 0.1", () => {
  // 0.7 twice with one right: |0.5 - 0.7|; 0.9 twice, both right: |1 - 0.9|.
  close(ece([0.7, 0.3, 0.7, 0.3, 0.9, 0.1, 0.1, 0.9], [0, 1, 0, 1], { bins: 10 }), (0.2 + 0.1) / 2);
});

test("bins are closed on the right, also where the product rounds across the edge", () => {
  for (const bins of [3, 7, 10, 15, 49])
    for (let edge = 1; edge <= bins; edge++) {
      const at = reliabilityBins([edge / bins], [1], { bins }).findIndex((bin) => bin.count === 1);
      assert.equal(at, edge - 1, `${edge} / ${bins}`);
      if (edge === bins) continue;
      const above = (edge / bins) * (1 + Number.EPSILON);
      assert.equal(reliabilityBins([above], [1], { bins })[edge].count, 1, `just above ${edge} / ${bins}`);
    }
  assert.equal(reliabilityBins([0.7], [1], { bins: 10 })[6].count, 1);
  assert.equal(reliabilityBins([0], [1], { bins: 10 })[0].count, 1);
  assert.equal(reliabilityBins([0.7000001], [1], { bins: 10 })[7].count, 1);
});

test("the reliability diagram counts every item once and holds means", () => {
  const diagram = reliabilityDiagram(binary, outcomes, { bins: 10 });
  assert.equal(
    diagram.reduce((sum, bin) => sum + bin.count, 0),
    200,
  );
  assert.ok(diagram.slice(0, 4).every((bin) => bin.count === 0 && Number.isNaN(bin.accuracy)));
  assert.ok(diagram.slice(5).every((bin) => bin.confidence > bin.low && bin.confidence <= bin.high));
});

test("brier and logLoss agree with scikit-learn", () => {
  close(brier(binary, outcomes) / 2, 0.23489273228261232);
  close(logLoss(binary, outcomes), 0.6808069452278689);
  close(brier(probabilities, labels), 0.6819866666666665);
  close(logLoss(probabilities, labels), 1.2175166104079835);
});

test("a probability of 0 for the label costs the floor, not infinity", () => {
  close(logLoss([1, 0], [1]), 52 * Math.LN2);
  close(logLoss([1, 0], [1], { floor: 0.01 }), -Math.log(0.01));
});

test("bad arguments are named", () => {
  assert.throws(() => ece([0.5, 0.5, 0.5], [0, 1]), /3 values are no matrix with 2 rows/);
  assert.throws(() => logLoss([0.5, 0.5], [2]), /label 0 is 2, outside the 2 classes/);
  assert.throws(() => reliabilityBins([1.2], [1]), /confidence 0 is 1.2/);
  assert.throws(() => ece([0.5, 0.5], [0], { bins: 0 }), /bins 0/);
});
