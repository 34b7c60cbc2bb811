import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, item, tensor } from "../index.ts";
import { infoNCE } from "../losses/contrastive.ts";
import { random } from "../random.ts";
import { vectors } from "../retrieval/vectors.ts";
import { citationWalkNegatives } from "./citation.ts";
import { linksOf, withinHops } from "./hops.ts";

/** Documents on a half circle: document i at i × 10 degrees. */
const documents = vectors(
  Float32Array.from({ length: 20 }, (_, i) => {
    const angle = (Math.floor(i / 2) * Math.PI) / 18;
    return i % 2 ? Math.sin(angle) : Math.cos(angle);
  }),
  2,
);
const star = linksOf(10, [
  [0, 4],
  [0, 7],
  [4, 1],
  [4, 5],
  [7, 8],
  [7, 9],
]);
const query = [1, 0];

test("one walk of one document is the direct link most similar to the query", () => {
  const options = { documents, links: star, random: random(1), paths: 1, length: 1 };
  assert.deepEqual(citationWalkNegatives(query, 0, { ...options, easy: 0 }), [4]);
  const [start, extra, ...more] = citationWalkNegatives(query, 0, options);
  assert.equal(start, 4);
  assert.ok([1, 5, 7, 8, 9].includes(extra!));
  assert.deepEqual(more, []);
});

test("with topK 1 the walk is greedy: always to the nearest that is unvisited", () => {
  const walk = citationWalkNegatives(query, 0, {
    documents,
    links: star,
    random: random(1),
    topK: 1,
    easy: 0,
  });
  // From 4 to 5, from 5 to 7, which then is no start any more.
  assert.deepEqual(walk, [4, 5, 7]);
});

test("nothing linked, nothing mined; wrong arguments are named", () => {
  const options = { documents, links: star, random: random(1) };
  assert.deepEqual(citationWalkNegatives(query, 2, options), []);
  assert.throws(() => citationWalkNegatives(query, 0, { ...options, paths: 0 }), /paths is 0/);
  assert.throws(() => citationWalkNegatives([1], 0, options), /query has 1 numbers; expected 2/);
  assert.throws(() => citationWalkNegatives(query, 12, options), /node is 12/);
});

test("never the positive, nothing twice, nothing farther than two links, at most paths × length + easy", () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })), { maxLength: 25 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer(),
      (edges, paths, length, seed) => {
        const links = linksOf(10, edges);
        const options = { documents, links, random: random(seed), paths, length };
        const mined = citationWalkNegatives(query, 3, options);
        assert.ok(mined.length <= paths * length + 1);
        assert.equal(new Set(mined).size, mined.length);
        const near = withinHops(links, 3, 2);
        assert.ok(mined.every((document) => document !== 3 && near.includes(document)));
        assert.equal(mined.length > 0, near.length > 0);
      },
    ),
  ));

test("the loss that it is trained with: a negative equal to the positive costs log 2", async () => {
  const [q, p] = [tensor([[1, 2]]), tensor([[2, 1]])];
  assert.ok(
    Math.abs(item(await evaluate(infoNCE(q, p, { temperature: 0.05, negatives: p }))) - Math.LN2) < 1e-6,
  );
});
