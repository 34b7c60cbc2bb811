import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { multilabelCounts } from "./classification.ts";
import { atThresholds, bestThresholds, macroAveragePrecision } from "./multilabel.ts";

test("macroAveragePrecision: by hand; classes without positives are left out", () => {
  // Class 0 ranks its positives 1st and 3rd: (1 + 2/3) / 2. Class 1 has none, class 2 has only positives.
  const labels = [1, 0, 1, 0, 0, 1, 1, 0, 1];
  const scores = [0.9, 0.1, 0.2, 0.5, 0.2, 0.1, 0.3, 0.3, 0.4];
  assert.equal(macroAveragePrecision(scores, labels, 3), ((1 + 2 / 3) / 2 + 1) / 2);
  assert.throws(() => macroAveragePrecision([0.1, 0.2], [0, 0], 1), /no class has a positive/);
  assert.throws(() => macroAveragePrecision([0.1, 0.2, 0.3], [0, 1, 0], 2), /3 labels are no rows of 2/);
});

test("random scores rank by chance: about the share of positives", () => {
  const draw = random("chance");
  const value = macroAveragePrecision(draw.uniform(20_000), draw.bernoulli(20_000, 0.1), 4);
  assert.ok(Math.abs(value - 0.1) < 0.02, `${value}`);
});

test("thresholds for each class", () => {
  const labels = [1, 0, 1, 0, 0, 1, 1, 0, 1];
  const scores = [0.9, 0.1, 0.2, 0.25, 0.2, 0.1, 0.3, 0.3, 0.4];
  const thresholds = bestThresholds(scores, labels, 3);
  assert.deepEqual([...thresholds], [0.3, Infinity, -Infinity]);
  const counts = multilabelCounts(atThresholds(scores, thresholds), labels, 3);
  assert.deepEqual(
    counts.map((c) => [c.truePositives, c.falsePositives, c.falseNegatives]),
    [
      [2, 0, 0],
      [0, 0, 0],
      [3, 0, 0],
    ],
  );
  assert.throws(() => atThresholds([1, 2, 3], [0, 0]), /3 scores are no rows of 2/);
});
