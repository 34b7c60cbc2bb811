import assert from "node:assert/strict";
import { test } from "node:test";
import { candidateScores } from "./candidate-scores.ts";

test("sums, means, and what a prior takes away", () => {
  const logProbs = [[-1, -2, -3], [-4]];
  assert.deepEqual([...candidateScores(logProbs)], [-2, -4]);
  assert.deepEqual([...candidateScores(logProbs, { normalize: "none" })], [-6, -4], "the order turns");
  const prior = [[-1, -1, -1], [-5]];
  assert.deepEqual([...candidateScores(logProbs, { prior })], [-1, 1]);
  assert.deepEqual([...candidateScores(logProbs, { prior, normalize: "none" })], [-3, 1]);
  assert.deepEqual([...candidateScores([])], []);
});

test("bad input is named", () => {
  assert.throws(() => candidateScores([[-1], []]), /logProbs\[1\] is empty/);
  assert.throws(() => candidateScores([[-1]], { prior: [] }), /prior has 0 rows; expected 1/);
  assert.throws(() => candidateScores([[-1]], { prior: [[-1, -2]] }), /prior\[0\] has 2 tokens; expected 1/);
});
