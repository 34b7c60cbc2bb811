import assert from "node:assert/strict";
import { test } from "node:test";
import { mineHardNegatives } from "nearmiss/negatives";
import { random } from "nearmiss/random";
import { bm25Index, scores, vectors } from "nearmiss/retrieval";
import { mineBm25 } from "./mine-bm25.ts";

const draws = random(3);
const words = Array.from({ length: 30 }, (_, i) => `w${i}`);
const text = (count: number) => Array.from({ length: count }, () => words[draws.integer(0, 30)]!).join(" ");
// Each has the word "all", so that every document has a score; the last repeats the first.
const corpus = Array.from({ length: 60 }, () => `all ${text(12)}`);
corpus.push(corpus[0]!);
const queries = Array.from({ length: 12 }, () => `all ${text(4)}`);
const positives = queries.map((_, i) => (i % 3 === 0 ? [i, 60] : [i, i + 20]));
const data = { queries, positives, corpus };

test("the same negatives as mineHardNegatives takes from vectors whose products are BM25's scores", async () => {
  const index = bm25Index(corpus);
  const all = queries.map((query) => scores(index, query));
  // Query q is the q-th unit vector, and a document's coordinates are its scores.
  const unit = Float32Array.from({ length: 144 }, (_, i) => (i % 13 === 0 ? 1 : 0));
  const rows = Float32Array.from({ length: corpus.length * 12 }, (_, i) => all[i % 12]![Math.floor(i / 12)]!);
  const embedded = { queries: vectors(unit, 12), corpus: vectors(rows, 12) };
  for (const options of [
    {},
    { count: 5, relativeMargin: 0.2 },
    { absoluteMargin: 1, positiveScore: "max" as const },
    { rangeMin: 2, rangeMax: 9, maxScore: 4, minScore: 0.5 },
    { includePositives: true, count: 8 },
  ]) {
    const expected = await mineHardNegatives(data, embedded, { ...options, similarity: "dot" });
    const mined = await mineBm25(data, options);
    assert.deepEqual(
      mined.map(({ documents, dropped, shortfall, candidates, positives: own }) => ({
        documents,
        dropped,
        shortfall,
        candidates,
        own,
      })),
      expected.map(({ documents, dropped, shortfall, candidates, positives: own }) => ({
        documents,
        dropped,
        shortfall,
        candidates,
        own,
      })),
      JSON.stringify(options),
    );
  }
});

test("documents without any word of the query are no candidates", async () => {
  const mined = await mineBm25(
    { queries: ["cat"], positives: [[0]], corpus: ["cat", "dog", "cat dog"] },
    { count: 2 },
  );
  assert.deepEqual(mined[0]!.documents, [2]);
  assert.equal(mined[0]!.shortfall, 1);
});

test("another scorer's numbers are what the rules look at", async () => {
  const rescore = async (_: string, documents: readonly string[]) => documents.map((text) => text.length);
  const mined = await mineBm25(
    { queries: ["cat"], positives: [[0]], corpus: ["cat cat", "cat dog bird", "cat"] },
    { count: 2, absoluteMargin: 0, rescore },
  );
  assert.deepEqual(mined[0]!.documents, [2]);
  assert.equal(mined[0]!.dropped.absoluteMargin, 1);
  assert.deepEqual(mined[0]!.positiveScores, [7]);
});
