import assert from "node:assert/strict";
import { test } from "node:test";
import { inversePropensities, precisionAtK, propensityPrecisionAtK } from "./index.ts";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test("inverse propensities fall with how often a label is seen", () => {
  const [never, once, often] = inversePropensities([0, 1, 1e6], 10_000);
  const factor = (Math.log(10_000) - 1) * 2.5 ** 0.55;
  near(never!, 1 + factor / 1.5 ** 0.55);
  // At one example (N_l + B) / (B + 1) is 1: what is left is ln N.
  near(once!, Math.log(10_000));
  assert.ok(often! > 1 && often! < 1.01);
  assert.throws(() => inversePropensities([1], 0), /examples is 0/);
});

test("PSP@k: a worked example, and the share of what could be reached", () => {
  const relevant = (...labels: number[]) => new Map(labels.map((label) => [label, 1]));
  const inverse = [1, 2, 8];
  const rankings = [
    { documents: [0, 1, 2], grades: relevant(0, 2) },
    { documents: [1, 0, 2], grades: relevant(1) },
  ];
  near(propensityPrecisionAtK(rankings, inverse, 1), (1 + 2) / (8 + 2));
  near(propensityPrecisionAtK(rankings, inverse, 2), (1 + 2) / (9 + 2));
  near(propensityPrecisionAtK(rankings, inverse, 3), 1);
  assert.equal(propensityPrecisionAtK([{ documents: [1], grades: relevant() }], inverse, 1), 0);
  assert.throws(() => propensityPrecisionAtK(rankings, inverse, 0), /k is 0/);
});

test("with one relevant label a query and equal propensities, PSP@1 is P@1", () => {
  const rankings = [0, 1, 2, 3].map((label) => ({
    documents: [label % 2, 2, 3],
    grades: new Map([[label, 1]]),
  }));
  const mean = rankings.reduce((sum, ranking) => sum + precisionAtK(ranking, 1), 0) / rankings.length;
  near(propensityPrecisionAtK(rankings, [3, 3, 3, 3], 1), mean);
});
