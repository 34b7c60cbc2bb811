import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { vectors } from "../retrieval/index.ts";
import { nearestNegatives, refreshed } from "./index.ts";

const draw = random("refresh");
const queries = vectors(draw.normal(5 * 4), 4);
const documents = vectors(draw.normal(30 * 4), 4);
const positives = [[3], [4, 9], [], [0], [29]];

test("nearestNegatives agrees with sorting all documents, positives left out", async () => {
  const dot = (q: number, d: number) => {
    let sum = 0;
    for (let i = 0; i < 4; i++) sum += queries.data[q * 4 + i]! * documents.data[d * 4 + i]!;
    return sum;
  };
  const lists = await nearestNegatives(queries, documents, positives, { depth: 12, threads: 1 });
  lists.forEach((list, q) => {
    const order = Array.from({ length: 30 }, (_, d) => d).sort((a, b) => dot(q, b) - dot(q, a) || a - b);
    assert.deepEqual(
      [...list],
      order.slice(0, 12).filter((d) => !positives[q]!.includes(d)),
    );
  });
});

test("nearestNegatives: the same vectors give the same lists, and a depth over the corpus takes all of it", async () => {
  const again = { threads: 1, similarity: "cosine" } as const;
  const lists = await nearestNegatives(queries, documents, positives, again);
  assert.deepEqual(await nearestNegatives(queries, documents, positives, again), lists);
  assert.deepEqual(
    lists.map((list) => list.length),
    positives.map((list) => 30 - list.length),
  );
});

test("nearestNegatives wants positives for every query", async () => {
  await assert.rejects(nearestNegatives(queries, documents, [[1]]), /positives has 1 lists; expected 5/);
});

test("refreshed mines at the multiples of its interval alone", async () => {
  const mined: number[] = [];
  const lists = refreshed(4, async (step) => {
    mined.push(step);
    return step;
  });
  const seen: number[] = [];
  for (let step = 0; step < 10; step++) seen.push(await lists(step));
  assert.deepEqual(mined, [0, 4, 8]);
  assert.deepEqual(seen, [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]);
  const once = refreshed(Number.POSITIVE_INFINITY, async (step) => step);
  assert.deepEqual([await once(0), await once(1000)], [0, 0]);
  assert.throws(() => refreshed(0, async () => 0), /every is 0/);
});
