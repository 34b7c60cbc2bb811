import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Box,
  type Detection,
  detectionAveragePrecision,
  duplicateRate,
  intersectionOverUnion,
  judgeDetections,
  nonMaximumSuppression,
} from "./index.ts";

const at = (left: number, confidence: number, label = 0, image = 0): Detection => ({
  image,
  label,
  box: [left, 0, left + 10, 10],
  confidence,
});
const objects = [at(0, 0), at(20, 0), at(40, 0, 1)];

test("intersection over union", () => {
  assert.equal(intersectionOverUnion([0, 0, 2, 2], [0, 0, 2, 2]), 1);
  assert.equal(intersectionOverUnion([0, 0, 2, 2], [1, 0, 3, 2]), 1 / 3);
  assert.equal(intersectionOverUnion([0, 0, 2, 2], [2, 0, 3, 2]), 0);
  // A box whose corners have changed places has no area.
  assert.equal(intersectionOverUnion([2, 2, 0, 0], [0, 0, 2, 2]), 0);
  const boxes = fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9), fc.nat(9)) as fc.Arbitrary<Box>;
  fc.assert(
    fc.property(boxes, boxes, (a, b) => {
      const value = intersectionOverUnion(a, b);
      assert.ok(value >= 0 && value <= 1);
      assert.equal(value, intersectionOverUnion(b, a));
    }),
  );
});

test("hits, duplicates and misses, the surest first", () => {
  const judged = judgeDetections([at(1, 0.3), at(0, 0.9), at(60, 0.8), at(40, 0.7)], objects);
  assert.deepEqual(
    judged.map(({ outcome, object }) => [outcome, object]),
    // The third is right in place but of the wrong class.
    [
      ["hit", 0],
      ["miss", -1],
      ["miss", -1],
      ["duplicate", 0],
    ],
  );
  // Two objects near each other: the second detection takes the one that is left.
  const near = [at(0, 0), at(3, 0)];
  assert.deepEqual(
    judgeDetections([at(0, 0.9), at(0, 0.8), at(0, 0.7)], near).map(({ outcome }) => outcome),
    ["hit", "hit", "duplicate"],
  );
});

test("average precision: worked examples", () => {
  assert.equal(detectionAveragePrecision([at(0, 0.9), at(20, 0.8), at(40, 0.7, 1)], objects), 1);
  assert.equal(detectionAveragePrecision([], objects), 0);
  // Class 0: hit, miss, hit: precisions 1, 1/2, 2/3 at recalls 1/2, 1/2, 1; class 1 is never found.
  const value = detectionAveragePrecision([at(0, 0.9), at(60, 0.8), at(20, 0.7)], objects);
  assert.ok(Math.abs(value - (0.5 * 1 + 0.5 * (2 / 3)) / 2) < 1e-12);
  // A miss before the hits: 1/2 and 2/3, and the best of what follows counts for both.
  const late = detectionAveragePrecision([at(60, 0.9), at(0, 0.8), at(20, 0.7)], objects.slice(0, 2));
  assert.ok(Math.abs(late - 2 / 3) < 1e-12);
});

test("duplicates count among as many detections as there are objects, whatever their confidences mean", () => {
  const detections = [at(0, 0.9), at(1, 0.8), at(20, 0.7), at(21, 0.6), at(40, 0.5, 1)];
  assert.equal(duplicateRate(detections, objects), 1 / 3);
  const halved = detections.map((d) => ({ ...d, confidence: d.confidence / 2 }));
  assert.equal(duplicateRate(halved, objects), 1 / 3);
});

test("non-maximum suppression removes duplicates, and nothing where there are none", () => {
  const detections = [at(0, 0.8), at(1, 0.9), at(20, 0.7), at(1, 0.95, 1), at(1, 0.5, 0, 1)];
  const kept = nonMaximumSuppression(detections);
  assert.deepEqual(
    kept.map((d) => d.confidence),
    [0.95, 0.9, 0.7, 0.5],
  );
  assert.deepEqual(nonMaximumSuppression(kept), kept);
  assert.equal(duplicateRate(kept, objects), 0);
});

test("bad input is refused by name", () => {
  assert.throws(() => detectionAveragePrecision([], []), /objects is empty/);
  assert.throws(() => duplicateRate([], []), /objects is empty/);
  assert.throws(() => judgeDetections([], [], { overlap: 0 }), /overlap is 0; expected above 0/);
  assert.throws(() => nonMaximumSuppression([at(0, Number.NaN)]), /confidence of detection 0 is NaN/);
});
