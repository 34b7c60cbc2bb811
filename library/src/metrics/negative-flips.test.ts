import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { accuracy, negativeFlipRate, positiveFlipRate } from "./index.ts";

test("flips of a worked example", () => {
  const [old, updated, labels] = [
    [1, 1, 0, 2],
    [1, 0, 0, 1],
    [1, 1, 1, 1],
  ];
  assert.equal(negativeFlipRate(old, updated, labels), 0.25);
  assert.equal(positiveFlipRate(old, updated, labels), 0.25);
});

test("the gain in accuracy is positive minus negative flips; a model has no flips against itself", () => {
  const triple = fc.array(fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 0, max: 2 }))), { minLength: 1 });
  fc.assert(
    fc.property(triple, (rows) => {
      const [old, updated, labels] = [0, 1, 2].map((column) => rows.map((row) => row[column]));
      const gain = positiveFlipRate(old, updated, labels) - negativeFlipRate(old, updated, labels);
      assert.ok(Math.abs(accuracy(updated, labels) - accuracy(old, labels) - gain) < 1e-12);
      assert.equal(negativeFlipRate(old, old, labels), 0);
      assert.equal(negativeFlipRate(old, updated, labels), positiveFlipRate(updated, old, labels));
    }),
  );
});

test("errors name what is wrong", () => {
  assert.throws(() => negativeFlipRate([1], [1, 2], [1]), /new predictions and labels have 2 and 1 entries/);
  assert.throws(() => positiveFlipRate([], [], []), /are empty/);
});
