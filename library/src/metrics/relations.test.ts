import assert from "node:assert/strict";
import { test } from "node:test";
import { relationF1 } from "./index.ts";

test("relationF1: 6 right, 2 too many and 4 missed give 2/3; the negative class counts for nothing", () => {
  const labels = [...Array(6).fill(1), 0, 0, ...Array(4).fill(2), ...Array(50).fill(0)];
  const predictions = [...Array(6).fill(1), 1, 2, ...Array(4).fill(0), ...Array(50).fill(0)];
  const { precision, recall, f1 } = relationF1(predictions, labels);
  assert.deepEqual([precision, recall], [0.75, 0.6]);
  assert.ok(Math.abs(f1 - 2 / 3) < 1e-12);
  assert.equal(relationF1(predictions.slice(0, 12), labels.slice(0, 12)).f1, f1);
});

test("relationF1: one relation taken for another is one too many and one missed; nothing found gives 0", () => {
  assert.equal(relationF1([2, 1], [1, 1]).f1, 0.5);
  assert.equal(relationF1([0, 0], [1, 0]).f1, 0);
  assert.equal(relationF1([3, 1], [3, 1], 3).recall, 1);
  assert.throws(() => relationF1([1], [1, 2]), RangeError);
});
