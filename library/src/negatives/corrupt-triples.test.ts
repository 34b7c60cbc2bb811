import assert from "node:assert/strict";
import { test } from "node:test";
import chiSquareQuantile from "@stdlib/stats-base-dists-chisquare-quantile";
import { random } from "../random.ts";
import { vectors } from "../retrieval/vectors.ts";
import {
  clusterMembers,
  corruptTriple,
  headProbability,
  knownTriples,
  relationCounts,
} from "./corrupt-triples.ts";
import { linksOf, withinHops } from "./hops.ts";
import { kMeans } from "./k-means.ts";

test("one cluster of all entities corrupts uniformly", () => {
  const entities = 20;
  const counts = new Float64Array(entities);
  const draw = random(8);
  const replacements = clusterMembers(new Int32Array(entities));
  for (let i = 0; i < 20_000; i++) {
    const [[head, relation, tail]] = corruptTriple([3, 0, 7], 1, {
      entities,
      random: draw,
      replacements,
    }) as [readonly [number, number, number]];
    assert.equal(relation, 0);
    assert.ok((head === 3) !== (tail === 7));
    counts[head === 3 ? tail : head]!++;
  }
  // 3 and 7 can each replace only the other.
  const expected = (entity: number) => (20_000 / 19) * (entity === 3 || entity === 7 ? 0.5 : 1);
  const statistic = counts.reduce((sum, n, i) => sum + (n - expected(i)) ** 2 / expected(i), 0);
  assert.ok(statistic < chiSquareQuantile(0.999, entities - 1), `${statistic}`);
});

test("replacements come from the cluster, known facts are not drawn, and any entity fills the gaps", () => {
  const clusters = [0, 0, 0, 1, 1, 2];
  const replacements = clusterMembers(clusters);
  assert.deepEqual(
    replacements.map((list) => [...list]),
    [[1, 2], [0, 2], [0, 1], [4], [3], []],
  );
  const isKnown = knownTriples([
    [0, 0, 3],
    [1, 0, 3],
  ]);
  const options = { entities: 6, random: random(2), replacements, isKnown };
  for (const [head, , tail] of corruptTriple([0, 0, 3], 200, { ...options, headProbabilities: [1] })) {
    assert.equal(tail, 3);
    assert.equal(head, 2, "1 is known to be true, 0 is the old head");
  }
  // Entity 5 is alone in its cluster.
  const seen = new Set(corruptTriple([5, 0, 5], 200, options).map(String));
  assert.ok(seen.size >= 4);
  const mixed = corruptTriple([0, 0, 3], 2000, { ...options, headProbabilities: [0], share: 0.25 });
  const inside = mixed.filter(([, , tail]) => tail === 4).length / 2000;
  assert.ok(Math.abs(inside - (0.25 + 0.75 / 5)) < 0.04, `${inside}`);
  assert.throws(() => corruptTriple([0, 0, 1], 1, { ...options, share: 2 }), /share is 2/);
  assert.throws(() => corruptTriple([0, 0, 1], 1, { ...options, entities: 1 }), /entities is 1/);
});

test("the Bernoulli rule", () => {
  assert.equal(headProbability({ tailsPerHead: 3, headsPerTail: 1 }), 0.75);
  // One head with three tails, and a relation without facts.
  const [counts, none] = relationCounts(
    [
      [0, 0, 1],
      [0, 0, 2],
      [0, 0, 3],
    ],
    2,
  );
  assert.deepEqual(counts, { tailsPerHead: 3, headsPerTail: 1 });
  assert.equal(headProbability(none!), 0.5);
  const options = { entities: 9, random: random(1), headProbabilities: [0.75] };
  let heads = 0;
  for (let i = 0; i < 4000; i++) if (corruptTriple([0, 0, 1], 1, options)[0]![0] !== 0) heads++;
  assert.ok(Math.abs(heads / 4000 - 0.75) < 0.03, `${heads}`);
});

test("k-means finds groups that lie apart, and its centres are their means", () => {
  const draw = random(6);
  const data = Float32Array.from(
    { length: 120 },
    (_, i) => 10 * (Math.floor(i / 2) % 3) + 0.1 * draw.normal(1)[0]!,
  );
  const { assignments, centers, inertia } = kMeans(vectors(data, 2), { clusters: 3, random: random(1) });
  for (let i = 3; i < 60; i++) assert.equal(assignments[i], assignments[i - 3]);
  assert.equal(new Set(assignments).size, 3);
  assert.ok(inertia < 4);
  const first = assignments[0]!;
  let mean = 0;
  for (let i = 0; i < 60; i += 3) mean += data[2 * i]! / 20;
  assert.ok(Math.abs(centers[2 * first]! - mean) < 1e-6);
  const one = kMeans(vectors(data, 2), { clusters: 1, random: random(1) });
  assert.ok(one.inertia > inertia);
  const same = kMeans(vectors(new Float32Array(8), 2), { clusters: 4, random: random(1) });
  assert.equal(same.inertia, 0);
  assert.throws(() => kMeans(vectors(data, 2), { clusters: 61, random: random(1) }), /clusters is 61/);
});

test("hops: two steps along a path", () => {
  const links = linksOf(5, [
    [0, 1],
    [1, 2],
    [2, 3],
    [1, 0],
    [4, 4],
  ]);
  assert.deepEqual(withinHops(links, 0, 2), [1, 2]);
  assert.deepEqual(withinHops(links, 0, 1), [1]);
  assert.deepEqual(withinHops(links, 4, 2), []);
  assert.deepEqual(withinHops(links, 1, 9), [0, 2, 3]);
  assert.throws(() => withinHops(links, 7, 1), /node is 7/);
  assert.throws(() => linksOf(2, [[0, 2]]), /node 2; expected 0 to 1/);
});
