import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  averagePrecisionOf,
  hitsAtK,
  meanAveragePrecision,
  meanOver,
  mrr,
  mrrOfRanks,
  ndcg,
  precisionAtK,
  rankByScore,
  recallAtK,
  reciprocalRank,
  relevantRanks,
} from "./ranking.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} for ${expected}`);

/** Documents 0, 1, 2, … in this order, with these grades; `missed`: grades of judged documents not retrieved. */
const judged = (grades: number[], missed: number[] = []) => ({
  documents: grades.map((_, i) => i),
  grades: new Map([...grades.entries(), ...missed.map((grade, i): [number, number] => [1000 + i, grade])]),
});

test("ndcg agrees with scikit-learn where all judged documents are ranked", () => {
  const ranking = judged([3, 2, 3, 0, 1, 2, 0, 0]);
  close(ndcg(ranking), 0.9608081943360618);
  close(ndcg(ranking, { k: 4 }), 0.8530852898337355);
});

test("ndcg by hand: a missed document counts in the ideal, exponential gains", () => {
  const ranking = judged([0, 1], [2]);
  close(ndcg(ranking), 1 / Math.log2(3) / (2 + 1 / Math.log2(3)));
  close(ndcg(ranking, { gain: "exponential" }), 1 / Math.log2(3) / (3 + 1 / Math.log2(3)));
  close(ndcg(ranking, { k: 1 }), 0);
});

test("average precision by hand: ranks 1, 3 and 6 of three; a missed one lowers it", () => {
  close(averagePrecisionOf(judged([1, 0, 1, 0, 0, 1])), (1 + 2 / 3 + 3 / 6) / 3);
  close(averagePrecisionOf(judged([1, 0, 2, 0, 0, 1], [1])), (1 + 2 / 3 + 3 / 6) / 4);
  close(averagePrecisionOf(judged([1, 0, 1, 0, 0, 1]), 3), (1 + 2 / 3) / 3);
  close(meanAveragePrecision([judged([1]), judged([0, 1])]), 0.75);
});

test("reciprocal rank, recall and precision by hand", () => {
  const ranking = judged([0, 0, 1, 1, 0], [1, 1]);
  close(reciprocalRank(ranking), 1 / 3);
  close(reciprocalRank(ranking, 2), 0);
  close(mrr([ranking, judged([1]), judged([0])]), (1 / 3 + 1 + 0) / 3);
  close(recallAtK(ranking, 3), 0.25);
  close(recallAtK(ranking, 100), 0.5);
  close(precisionAtK(ranking, 4), 0.5);
  close(precisionAtK(ranking, 10), 0.2);
});

test("unjudged documents are not relevant, and a query without relevant ones scores 0", () => {
  const unjudged = { documents: [7, 8, 9], grades: new Map([[8, 1]]) };
  close(reciprocalRank(unjudged), 0.5);
  const none = { documents: [1, 2], grades: new Map([[1, 0]]) };
  for (const value of [ndcg(none), averagePrecisionOf(none), recallAtK(none, 2), reciprocalRank(none)])
    assert.equal(value, 0);
});

test("measures lie in 0 to 1, and the best order reaches 1", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 25 }),
      (grades, k) => {
        const best = judged([...grades].sort((a, b) => b - a));
        const any = judged(grades);
        const relevant = grades.some((grade) => grade > 0) ? 1 : 0;
        close(ndcg(best, { k }), relevant);
        close(averagePrecisionOf(best), relevant);
        for (const value of [
          ndcg(any, { k }),
          averagePrecisionOf(any, k),
          recallAtK(any, k),
          precisionAtK(any, k),
        ])
          assert.ok(value >= 0 && value <= 1 + 1e-12);
        assert.ok(ndcg(any, { k }) <= ndcg(best, { k }) + 1e-12);
      },
    ),
  );
});

test("ranks of the relevant document: ties share the mean rank", () => {
  const scores = [0.9, 0.5, 0.1, 0.5, 0.5, 0.5, 0.2, 0.3, 0.1];
  assert.deepEqual([...relevantRanks(scores, [1, 0, 2])], [2, 2, 3]);
  assert.deepEqual([...relevantRanks([1, 1, 1, 1], [2])], [2.5]);
  close(mrrOfRanks([1, 2, 4]), (1 + 0.5 + 0.25) / 3);
  close(hitsAtK([1, 2, 4], 2), 2 / 3);
  assert.throws(() => relevantRanks([1, 2, 3], [0, 1]), /3 scores are no matrix with 2 rows/);
  assert.throws(() => relevantRanks([1, 2], [2]), /entry 0 is 2/);
  assert.throws(() => relevantRanks([1, Number.NaN], [1]), /relevant score of query 0 is NaN/);
});

test("rankByScore sorts by falling score and keeps the order of ties", () => {
  assert.deepEqual([...rankByScore([0.1, 0.9, 0.5, 0.9])], [1, 3, 2, 0]);
  assert.throws(() => meanOver([], () => 1), /no ranking/);
});
