import assert from "node:assert/strict";
import { test } from "node:test";
import { averageForgetting, averageIncrementalAccuracy } from "./index.ts";

test("averageIncrementalAccuracy: the mean of what was measured after each task", () => {
  assert.equal(averageIncrementalAccuracy([1, 0.5, 0.75]), 0.75);
  assert.throws(() => averageIncrementalAccuracy([]), /no accuracy/);
});

test("averageForgetting: from the best before the last task to the end", () => {
  const accuracies = [[0.9], [0.8, 0.7], [0.5, 0.9, 1]];
  // Task 0 has fallen from 0.9 to 0.5, task 1 has risen from 0.7 to 0.9.
  assert.ok(Math.abs(averageForgetting(accuracies) - (0.4 - 0.2) / 2) < 1e-12);
  assert.equal(averageForgetting([[0.7]]), 0);
  assert.throws(() => averageForgetting([[1], [1]]), /row 1 has 1 accuracies; expected 2/);
});
