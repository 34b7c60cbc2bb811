import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { denseIndex, type Ranked, type Vectors, vectors } from "../retrieval/index.ts";
import { type SahaOptions, sahaBlocks, selectNegatives } from "./index.ts";

/** Query 0 is the anchor; queries 1 to 4 own documents A, B, C and E, and have the given cosines to it. */
function toy(cosines: number[]) {
  const queries = vectors(Float32Array.from([1, ...cosines].flatMap((c) => [c, Math.sqrt(1 - c * c)])), 2);
  const count = queries.count;
  // Every query sees the documents in their order.
  const positives = Array.from({ length: count }, (_, i) => i);
  return { queries, rankings: positives.map(() => positives), positives };
}

const firstBlock = (cosines: number[], options: SahaOptions) => {
  const { queries, rankings, positives } = toy(cosines);
  return sahaBlocks(rankings, queries, positives, options)[0]!;
};

test("sahaBlocks: the candidates whose owners are least like the anchor", () => {
  const cosines = [0.95, 0.4, 0.7, 0.1];
  assert.deepEqual(firstBlock(cosines, { count: 2, poolMultiplier: 2 }), {
    anchor: 0,
    members: [4, 2],
    phase: 1,
  });
  assert.deepEqual(firstBlock(cosines, { count: 2, poolMultiplier: 1 }).members, [2, 1]);
  assert.deepEqual(firstBlock(cosines, { count: 2, poolMultiplier: 1, sortByQuery: false }).members, [1, 2]);
});

test("sahaBlocks: a query that asks the same is taken last", () => {
  const { members } = firstBlock([0.5, 1, 0.2], { count: 3, poolMultiplier: 5 });
  assert.deepEqual(members, [3, 1, 2]);
});

test("sahaBlocks: of a document's owners the one most like the anchor stands for it", () => {
  const { queries, rankings } = toy([0.2, 0.9, 0.5]);
  const positives = [0, 1, 1, 1];
  const [block] = sahaBlocks(rankings, queries, positives, { count: 2, poolMultiplier: 1 });
  assert.deepEqual(block, { anchor: 0, members: [2], phase: 1 });
});

test("sahaBlocks: left-over anchors share members in the second phase", () => {
  const { queries, rankings, positives } = toy([0.3, 0.2, 0.1, 0.05]);
  const blocks = sahaBlocks(rankings, queries, positives, { count: 3, poolMultiplier: 1 });
  assert.deepEqual(blocks, [
    { anchor: 0, members: [3, 2, 1], phase: 1 },
    { anchor: 4, members: [0, 1, 2], phase: 2 },
  ]);
});

const rows = ({ documents, width }: Ranked) =>
  Array.from({ length: documents.length / width }, (_, i) => documents.subarray(i * width, (i + 1) * width));

function world(seed: number, count = 30, width = 4) {
  const draw = random(seed);
  const make = (): Vectors => vectors(draw.normal(count * width), width);
  const [queries, documents] = [make(), make()];
  const positives = Array.from({ length: count }, () => draw.integer(0, count));
  return { queries, documents, positives };
}

test("sahaBlocks: no block holds a pair twice, its anchor's document or a pair of another block's first phase", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      async (seed, count, poolMultiplier) => {
        const { queries, documents, positives } = world(seed);
        const rankings = rows(await denseIndex(documents, { threads: 1 }).search(queries, 30));
        const blocks = sahaBlocks(rankings, queries, positives, {
          count,
          poolMultiplier,
          random: random(seed),
        });
        const first = blocks.filter(({ phase }) => phase === 1);
        const all = first.flatMap(({ anchor, members }) => [anchor, ...members]);
        assert.equal(new Set(all).size, all.length);
        for (const { anchor, members } of blocks) {
          const own = [anchor, ...members].map((query) => positives[query]);
          assert.ok(members.length >= 1 && members.length <= count);
          assert.equal(new Set(own).size, own.length);
        }
        const anchors = blocks.map(({ anchor }) => anchor);
        assert.equal(new Set(anchors).size, anchors.length);
        // All documents are ranked, so every query finds a block.
        const members = blocks.flatMap((block) => [block.anchor, ...block.members]);
        assert.equal(new Set(members).size, queries.count);
      },
    ),
    { numRuns: 20 },
  );
});

test("sahaBlocks without sorting and a pool of one takes the top documents, as plain mining does", async () => {
  const { queries, documents } = world(7);
  const positives = Array.from({ length: queries.count }, (_, i) => i);
  const ranked = await denseIndex(documents, { threads: 1 }).search(queries, 20);
  const options = { count: 5, poolMultiplier: 1, sortByQuery: false, random: random(1) };
  const { anchor, members } = sahaBlocks(rows(ranked), queries, positives, options)[0]!;
  const candidates = Array.from({ length: 20 }, (_, rank) => ({
    document: ranked.documents[anchor * 20 + rank]!,
    score: ranked.scores[anchor * 20 + rank]!,
  }));
  const { documents: naive } = selectNegatives(candidates, [{ document: anchor, score: 0 }], { count: 5 });
  assert.deepEqual(
    members.map((query) => positives[query]),
    naive,
  );
});

test("sahaBlocks: what does not fit is refused by name", () => {
  const { queries, rankings, positives } = toy([0.5]);
  assert.throws(
    () => sahaBlocks(rankings, queries, [0]),
    /2 rankings and 1 positives for 2 queries; expected as many/,
  );
  assert.throws(() => sahaBlocks(rankings, queries, positives, { count: 0 }), /count is 0/);
  assert.throws(
    () => sahaBlocks(rankings, queries, positives, { poolMultiplier: 1.5 }),
    /poolMultiplier is 1.5/,
  );
});
