import assert from "node:assert/strict";
import { test } from "node:test";
import { bayesDecision } from "./index.ts";

test("bayesDecision: arg max for the identity; a cost moves the decision", () => {
  const p = [0.6, 0.3, 0.1];
  assert.deepEqual([...bayesDecision([...p, 0.1, 0.2, 0.7], [1, 0, 0, 0, 1, 0, 0, 0, 1], 3)], [0, 2]);
  const costly = (cost: number) => [1, 0, 0, 0, 1, 0, -cost, -cost, 1];
  // Expected utilities 0.6 − 0.1 c, 0.3 − 0.1 c and 0.1: the third class from c = 5 on.
  assert.deepEqual([...bayesDecision(p, costly(4.9), 3)], [0]);
  assert.deepEqual([...bayesDecision(p, costly(5.1), 3)], [2]);
  assert.throws(() => bayesDecision(p, [1, 2], 3), /utility has 2 entries/);
});
