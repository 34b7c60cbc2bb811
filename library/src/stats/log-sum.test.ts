import assert from "node:assert/strict";
import { test } from "node:test";
import { logSum } from "./log-sum.ts";

test("sums of exponentials, also where these overflow or are none", () => {
  assert.ok(Math.abs(logSum([1, 2, 3]) - Math.log(Math.E + Math.E ** 2 + Math.E ** 3)) < 1e-14);
  assert.ok(Math.abs(logSum([1e4, 1e4]) - (1e4 + Math.LN2)) < 1e-11);
  assert.equal(logSum([-1e4, 0]), 0);
  for (const list of [[], [-Infinity, -Infinity]]) assert.equal(logSum(list), -Infinity);
  assert.equal(logSum([0, Infinity]), Infinity);
});
