import assert from "node:assert/strict";
import { test } from "node:test";
import { relativeGain } from "./index.ts";

test("relativeGain: a share of the baseline, none where that is 0", () => {
  assert.equal(relativeGain(3, 2), 0.5);
  assert.equal(relativeGain(1, 2), -0.5);
  assert.equal(relativeGain(-1, -2), 0.5);
  assert.equal(relativeGain(0.02, 0.01), 1);
  assert.equal(relativeGain(1, 0), undefined);
  assert.equal(relativeGain(0, 0), undefined);
});
