import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { rowsOf, vectors } from "../retrieval/index.ts";
import { nearestNegatives, teleportationPools } from "./index.ts";

const draw = random("teleport");
const documents = vectors(draw.normal(300 * 4), 4);
const queries = vectors(draw.normal(6 * 4), 4);
const positives = [[3], [4, 9], [17], [0], [299], [50]];
const options = { threads: 1, random: random("pools") };

test("pools grow by two kinds of negatives an episode: 60, 120, 180", async () => {
  let previous: number[][] | undefined;
  for (const size of [60, 120, 180]) {
    const before = previous;
    const pools: number[][] = await teleportationPools(queries, documents, positives, {
      ...options,
      ...(before && { previous: before }),
    });
    pools.forEach((pool, query) => {
      assert.equal(pool.length, size);
      assert.ok(pool.every((document) => !positives[query]!.includes(document)));
      if (before) assert.deepEqual(pool.slice(60), before[query]);
    });
    previous = pools;
  }
});

test("negatives are drawn from the nearest of the query, then from the nearest of its positive", async () => {
  const near = { threads: 1, depth: 20 };
  const pools = await teleportationPools(queries, documents, positives, { ...options, ...near, count: 5 });
  const own = await nearestNegatives(queries, documents, positives, near);
  const first = positives.map(([document]) => document!);
  const ahead = await nearestNegatives(rowsOf(documents, first), documents, positives, near);
  pools.forEach((pool, query) => {
    assert.equal(new Set(pool.slice(0, 5)).size, 5);
    assert.ok(pool.slice(0, 5).every((document) => own[query]!.includes(document)));
    assert.ok(pool.slice(5).every((document) => ahead[query]!.includes(document)));
  });
});

test("where a query is its positive, looking ahead finds the query's own neighbours", async () => {
  const same = rowsOf(
    documents,
    positives.map(([document]) => document!),
  );
  const all = { ...options, depth: 30, count: 30 };
  const pools = await teleportationPools(same, documents, positives, all);
  for (const pool of pools) {
    assert.equal(pool.length % 2, 0);
    const half = pool.length / 2;
    assert.deepEqual(pool.slice(half).sort(), pool.slice(0, half).sort());
  }
  // Of more than are wanted, each kind draws for itself.
  const some = await teleportationPools(same, documents, positives, options);
  assert.ok(some.every((pool) => pool.slice(30).join() !== pool.slice(0, 30).join()));
});

test("without lookahead and momentum the pools are ANCE's, and need no positives", async () => {
  const pools = await teleportationPools(
    queries,
    documents,
    positives.map((list, i) => (i ? list : [])),
    {
      ...options,
      lookahead: false,
      count: 1000,
      depth: 300,
    },
  );
  assert.deepEqual(
    pools.map((pool) => new Set(pool).size),
    [300, 298, 299, 299, 299, 299],
  );
});

test("errors name the argument", async () => {
  const pools = (more: object) => teleportationPools(queries, documents, positives, { ...options, ...more });
  await assert.rejects(pools({ count: 0 }), /count is 0/);
  await assert.rejects(pools({ previous: [[1]] }), /previous has 1 pools; expected 6/);
  await assert.rejects(
    teleportationPools(queries, documents, [[], ...positives.slice(1)], options),
    /query 0 has no positive/,
  );
});
