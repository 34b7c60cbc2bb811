import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { confusionCounts, fromConfusion } from "./from-confusion.ts";
import { segmentScores } from "./sound-events.ts";

test("one segment: three missed and one false among ten are one substitution and two deletions", () => {
  const labels = [...Array(10).fill(1), 0, 0];
  const predictions = [...Array(7).fill(1), 0, 0, 0, 1, 0];
  assert.deepEqual(segmentScores(predictions, labels, { classes: 12 }), {
    f1: 14 / 18,
    errorRate: 0.3,
    substitutions: 1,
    deletions: 2,
    insertions: 0,
    reference: 10,
  });
});

test("by frames the F1 is that of all cells; a segment joins its frames", () => {
  const draw = random("frames");
  const [predictions, labels] = [draw.bernoulli(60, 0.4), draw.bernoulli(60, 0.3)];
  const { f1 } = segmentScores(predictions, labels, { classes: 3 });
  assert.ok(Math.abs(f1 - fromConfusion("fBeta", confusionCounts(predictions, labels))) < 1e-12);
  // Two classes, three frames in segments of two: the second frame finds what the first one missed.
  const joined = segmentScores([0, 0, 1, 1, 0, 1], [1, 0, 0, 0, 0, 1], { classes: 2, framesPerSegment: 2 });
  assert.deepEqual(
    [joined.reference, joined.substitutions, joined.deletions, joined.insertions],
    [2, 0, 0, 1],
  );
  assert.equal(joined.errorRate, 1 / 2);
});

test("perfect, silent, and bad arguments", () => {
  const labels = [1, 0, 0, 1];
  assert.deepEqual(
    [1, 0],
    [
      segmentScores(labels, labels, { classes: 2 }).f1,
      segmentScores(labels, labels, { classes: 2 }).errorRate,
    ],
  );
  assert.equal(segmentScores([0, 0, 0, 0], labels, { classes: 2 }).errorRate, 1);
  assert.throws(() => segmentScores([0, 0], [0, 0], { classes: 2 }), /labels has no active event/);
  assert.throws(() => segmentScores([0, 0], [0, 1], { classes: 3 }), /no rows of 3 classes/);
  assert.throws(() => segmentScores([0], [1], { classes: 1, framesPerSegment: 0 }), /framesPerSegment is 0/);
});
