import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { type Vectors, vectors } from "../retrieval/index.ts";
import { balancedClusters, clusterCurriculum, clusteredBatches } from "./index.ts";

/** Rows around a few centres. */
function grouped(seed: string, count: number, groups: number): { rows: Vectors; group: number[] } {
  const draw = random(seed);
  const centres = draw.normal(groups * 8);
  const group = Array.from({ length: count }, (_, i) => i % groups);
  const data = Float32Array.from(
    draw.normal(count * 8, 0, 0.2),
    (x, at) => x + centres[group[Math.floor(at / 8)]! * 8 + (at % 8)]!,
  );
  return { rows: vectors(data, 8), group };
}

test("clusters hold every row once and differ in size by one at most", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 40 }), (count, size) => {
      const rows = vectors(random(count).normal(count * 3), 3);
      const clusters = balancedClusters(rows, { size, random: random(1) });
      assert.deepEqual(
        clusters.flatMap((members) => [...members]).sort((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      );
      const sizes = clusters.map((members) => members.length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
    { numRuns: 40 },
  );
});

test("groups that are far apart become the clusters", () => {
  const { rows, group } = grouped("far", 64, 2);
  const clusters = balancedClusters(rows, { size: 32, random: random(3) });
  assert.equal(clusters.length, 2);
  for (const members of clusters) assert.equal(new Set(Array.from(members, (row) => group[row])).size, 1);
});

test("larger clusters make batches whose members are more alike", () => {
  const { rows } = grouped("alike", 512, 16);
  const cosine = (a: number, b: number) => {
    let [ab, aa, bb] = [0, 0, 0];
    for (let i = 0; i < 8; i++) {
      const [x, y] = [rows.data[a * 8 + i]!, rows.data[b * 8 + i]!];
      [ab, aa, bb] = [ab + x * y, aa + x * x, bb + y * y];
    }
    return ab / Math.sqrt(aa * bb);
  };
  const alike = [1, 2, 4, 8, 16].map((size) => {
    const clusters = balancedClusters(rows, { size, random: random(5) });
    const batches = clusteredBatches(clusters, { size: 16, random: random(6) });
    let [sum, pairs] = [0, 0];
    for (const batch of batches)
      for (const a of batch)
        for (const b of batch)
          if (a !== b) {
            sum += cosine(a, b);
            pairs++;
          }
    return sum / pairs;
  });
  for (let i = 1; i < alike.length; i++) assert.ok(alike[i]! > alike[i - 1]!, `${alike}`);
});

test("clusters of one give a shuffle, clusters of a batch's size a cluster a batch", () => {
  const { rows } = grouped("batches", 64, 4);
  const singles = balancedClusters(rows, { size: 1, random: random(7) });
  assert.ok(singles.every((members) => members.length === 1));
  const shuffled = clusteredBatches(singles, { size: 10, random: random(8) });
  assert.deepEqual(
    shuffled.map((batch) => batch.length),
    [10, 10, 10, 10, 10, 10, 4],
  );
  assert.deepEqual(
    shuffled.flat().sort((a, b) => a - b),
    Array.from({ length: 64 }, (_, i) => i),
  );
  const clusters = balancedClusters(rows, { size: 16, random: random(7) });
  const whole = clusteredBatches(clusters, { size: 16, random: random(9) });
  const sorted = (lists: readonly ArrayLike<number>[]) =>
    lists
      .map((list) =>
        Array.from(list)
          .sort((a, b) => a - b)
          .join(),
      )
      .sort();
  assert.deepEqual(sorted(whole), sorted(clusters));
});

test("equal rows and zero rows are split all the same", () => {
  const clusters = balancedClusters(vectors(new Float32Array(9 * 2), 2), { size: 2, random: random(1) });
  assert.deepEqual(clusters.map((members) => members.length).sort(), [2, 2, 2, 3]);
});

test("the curriculum doubles at its milestones", () => {
  assert.deepEqual(
    [0, 9, 10, 20, 25, 199, 200, 300].map((epoch) => clusterCurriculum(epoch)),
    [1, 1, 2, 4, 8, 256, 512, 512],
  );
  assert.deepEqual(
    [0, 1, 2].map((epoch) => clusterCurriculum(epoch, [1])),
    [1, 2, 2],
  );
});

test("errors name the argument", () => {
  const rows = vectors(new Float32Array(4), 2);
  assert.throws(() => balancedClusters(rows, { size: 0, random: random(1) }), /size is 0/);
  assert.throws(
    () => balancedClusters(rows, { size: 1, iterations: 0, random: random(1) }),
    /iterations is 0/,
  );
  assert.throws(() => clusteredBatches([[1]], { size: 0, random: random(1) }), /size is 0/);
});
