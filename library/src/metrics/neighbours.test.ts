import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { nearestNeighbourAccuracy, nearestNeighbours } from "./neighbours.ts";

// 12 items and 6 queries in three dimensions. Expected values: scikit-learn 1.2.1, cosine, k = 5.
const train = {
  embeddings: Float32Array.of(
    ...[0.8, -1, 0, 0.8, -1.6, -2.1, 0.3, 0, -0.2, 0, -0.9, -1.5, -0.2, -1, -1.6, 0.5, -0.1, 0.4],
    ...[-1, -0.7, -1, -0.9, 0.2, -0.8, 0.4, 0.3, 2, -1.4, 0.9, -0.1, 0, -1.4, -0.5, 0.7, -0.1, 0.1],
  ),
  labels: [2, 0, 1, 2, 2, 1, 1, 0, 1, 1, 1, 0],
};
const queries = Float32Array.of(
  -3.3,
  -0.5,
  1.3,
  0,
  -1.2,
  -0.9,
  1.1,
  0.2,
  0,
  -0.1,
  0,
  0.8,
  0.6,
  0.2,
  -1,
  0.5,
  -0.7,
  1.1,
);

test("votes agree with scikit-learn", () => {
  // The second and fifth query have a tie, which the class of the nearest neighbour decides here.
  const majority = nearestNeighbours(train, queries, { k: 5, vote: "majority" });
  assert.deepEqual([majority[0], majority[2], majority[3], majority[5]], [1, 1, 1, 1]);
  assert.deepEqual([...nearestNeighbours(train, queries, { k: 5, vote: "weighted" })], [1, 2, 0, 1, 1, 1]);
});

test("a tie goes to the class of the nearest", () => {
  const items = { embeddings: Float32Array.of(1, 0.1, 1, 0), labels: [0, 1] };
  assert.deepEqual([...nearestNeighbours(items, Float32Array.of(5, 0), { k: 2, vote: "majority" })], [1]);
});

test("k above the number of items takes all; lengths do not matter", () => {
  const items = { embeddings: Float32Array.of(1, 0, 0, 100, 0, 1, 0, 3, 1, 1), labels: [3, 4, 4, 4, 3] };
  assert.deepEqual([...nearestNeighbours(items, Float32Array.of(1e-3, 0), { k: 99, vote: "majority" })], [4]);
  assert.deepEqual([...nearestNeighbours(items, Float32Array.of(1e-3, 0), { k: 1 })], [3]);
});

test("separated classes are recognised, shuffled labels are not", () => {
  const stream = random(1);
  const cluster = (count: number) => {
    const labels = Int32Array.from({ length: count }, (_, i) => i % 4);
    const embeddings = stream.normal(count * 16, 0, 0.3);
    labels.forEach((label, i) => {
      embeddings[i * 16 + label] += 1;
    });
    return { embeddings, labels };
  };
  const [known, unknown] = [cluster(401), cluster(200)];
  assert.ok(nearestNeighbourAccuracy(known, unknown) > 0.9);
  const shuffled = { ...known, labels: stream.shuffle([...known.labels]) };
  assert.ok(nearestNeighbourAccuracy(shuffled, unknown) < 0.45);
});

test("bad arguments are named", () => {
  assert.throws(() => nearestNeighbours(train, Float32Array.of(1, 2)), /queries 2 values/);
  assert.throws(() => nearestNeighbours(train, new Float32Array(3)), /embedding 0 is zero or not finite/);
  assert.throws(() => nearestNeighbours(train, queries, { k: 0 }), /k 0/);
  assert.throws(
    () => nearestNeighbourAccuracy(train, { embeddings: queries, labels: [1] }),
    /6 test embeddings, 1 labels/,
  );
});
