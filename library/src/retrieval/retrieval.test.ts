import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import {
  compareQueries,
  denseIndex,
  evaluateRankings,
  meanOverQueries,
  reciprocalRankFusion,
  scoreFusion,
  vectors,
} from "./index.ts";

test("denseIndex finds what a search through all pairs finds, in batches too", async () => {
  const draw = random(1);
  const [documents, queries] = [500, 40].map((count) => vectors(draw.normal(count * 16), 16));
  for (const similarity of ["cosine", "dot"] as const) {
    const found = await denseIndex(documents!, { similarity, threads: 1 }).search(queries!, 7);
    const row = (x: typeof documents, i: number) => x!.data.subarray(i * 16, (i + 1) * 16);
    const length = (x: Float32Array) => (similarity === "cosine" ? Math.hypot(...x) : 1);
    for (let q = 0; q < 40; q++) {
      const score = (d: number) => {
        const [a, b] = [row(queries, q), row(documents, d)];
        return a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (length(a) * length(b));
      };
      const expected = Array.from({ length: 500 }, (_, d) => d).sort((a, b) => score(b) - score(a));
      assert.deepEqual([...found.documents.subarray(q * 7, (q + 1) * 7)], expected.slice(0, 7));
      assert.ok(Math.abs(found.scores[q * 7]! - score(expected[0]!)) < 1e-5);
    }
  }
});

test("denseIndex: fewer documents than asked for, a zero vector, other widths", async () => {
  const index = denseIndex(vectors(Float32Array.of(1, 0, 0, 0, 0, 1), 2));
  const found = await index.search(vectors(Float32Array.of(1, 0.1), 2), 10);
  assert.deepEqual([...found.documents], [0, 2, 1]);
  assert.equal(found.scores[2], 0);
  await assert.rejects(index.search(vectors(Float32Array.of(1, 0, 0), 3)), /width 3; expected 2/);
  assert.throws(() => denseIndex(vectors(new Float32Array(0), 2)), /no documents/);
});

test("reciprocalRankFusion: ranks add up, weights count", () => {
  const fused = reciprocalRankFusion(
    [
      [3, 1, 2],
      [1, 4],
    ],
    { constant: 60 },
  );
  assert.deepEqual(
    fused.map(({ document }) => document),
    [1, 3, 4, 2],
  );
  assert.ok(Math.abs(fused[0]!.score - (1 / 62 + 1 / 61)) < 1e-12);
  const one = reciprocalRankFusion(
    [
      [3, 1, 2],
      [1, 4],
    ],
    { weights: [1, 0] },
  );
  assert.deepEqual(
    one.slice(0, 3).map(({ document }) => document),
    [3, 1, 2],
  );
});

test("scoreFusion: the scale and offset of a list do not matter; a missing document has the lowest score", () => {
  const a = [0.9, 0.5, 0.1].map((score, document) => ({ document, score }));
  const b = [
    { document: 2, score: 30 },
    { document: 5, score: 20 },
  ];
  const fused = scoreFusion([a, b], [1, 1]);
  const moved = scoreFusion(
    [a.map(({ document, score }) => ({ document, score: 7 * score - 3 })), b],
    [1, 1],
  );
  assert.deepEqual(
    fused.map(({ document }) => document),
    moved.map(({ document }) => document),
  );
  assert.deepEqual(
    scoreFusion([a, b], [1, 0])
      .slice(0, 2)
      .map(({ document }) => document),
    [0, 1],
  );
  assert.throws(() => scoreFusion([a], [1, 2]), /2 weights for 1 lists/);
});

test("evaluateRankings and comparisons: measures by query, means with intervals, wins and losses", () => {
  const judgements = [new Map([[1, 1]]), new Map([[2, 1]]), new Map([[3, 1]])];
  const scores = evaluateRankings(
    [
      [1, 9],
      [9, 2],
      [8, 9],
    ],
    judgements,
  );
  assert.deepEqual([...scores["MRR@10"]], [1, 0.5, 0]);
  assert.deepEqual([...scores["recall@100"]], [1, 1, 0]);
  assert.ok(Math.abs(scores["nDCG@10"][1]! - 1 / Math.log2(3)) < 1e-12);
  const other = Float64Array.of(0.5, 0.5, 0.5);
  const compared = compareQueries(scores["MRR@10"], other, random(1));
  assert.deepEqual([compared.estimate, compared.better, compared.worse], [0, 1, 1]);
  const { estimate, low, high } = meanOverQueries(scores["MRR@10"], random(1));
  assert.ok(low < estimate && estimate < high && estimate === 0.5);
  assert.throws(() => evaluateRankings([[1]], judgements), /1 rankings for 3/);
});
