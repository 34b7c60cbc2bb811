import assert from "node:assert/strict";
import { test } from "node:test";
import { selfConsistent } from "./index.ts";

test("the samples of the majority are kept", () => {
  assert.deepEqual(selfConsistent([4, 4, 5, 4, 7]), { answer: 4, kept: [0, 1, 3], rejected: [2, 4] });
});

test("among equals the answer that came first wins; who has no answer is rejected", () => {
  assert.deepEqual(selfConsistent([7, 5, 5, 7]), { answer: 7, kept: [0, 3], rejected: [1, 2] });
  assert.deepEqual(selfConsistent([undefined, 2]), { answer: 2, kept: [1], rejected: [0] });
  assert.deepEqual(selfConsistent([undefined]), { answer: undefined, kept: [], rejected: [0] });
  assert.deepEqual(selfConsistent([]), { answer: undefined, kept: [], rejected: [] });
});
