import assert from "node:assert/strict";
import { test } from "node:test";
import { logitMargins, negativeEnergies } from "./index.ts";

test("logitMargins: true logit minus the best of the others", () => {
  const margins = logitMargins([3, 1, 2, 3, 1, 2, 0, 0, 0], [0, 2, 1]);
  assert.deepEqual([...margins], [1, -1, 0]);
  assert.throws(() => logitMargins([1, 2], [0, 0]), /one class/);
  assert.throws(() => logitMargins([1, 2], [2]), /label 0 is 2/);
});

test("negativeEnergies: log-sum-exp without overflow", () => {
  const [a, b] = negativeEnergies([Math.log(1), Math.log(2), 1e4, 1e4], 2);
  assert.ok(Math.abs(a! - Math.log(3)) < 1e-12);
  assert.ok(Math.abs(b! - (1e4 + Math.log(2))) < 1e-9);
  assert.throws(() => negativeEnergies([1, 2, 3], 2), /3 logits are no rows of 2/);
});
