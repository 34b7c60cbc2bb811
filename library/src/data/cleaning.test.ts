import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { extrinsicSuspects, intrinsicSuspects } from "./cleaning.ts";
import { gaussianBlobs } from "./synthetic.ts";

/** Two clouds, seen from the origin in different directions; a fifth of cloud 1 is labelled 0. */
function noisyBlobs(count: number, seed: number) {
  const stream = random(seed);
  const { points, labels: truth } = gaussianBlobs({
    count,
    centers: [
      [4, 0],
      [0, 4],
    ],
    random: stream.split("points"),
  });
  const draw = stream.split("noise");
  const labels = truth.map((label) => (label === 1 && draw.next() < 0.2 ? 0 : label));
  return { points, truth, labels };
}

test("intrinsicSuspects: finds most of the mislabelled rows of a cloud, and little else", () => {
  const { points, truth, labels } = noisyBlobs(1000, 1);
  // A model that has learnt the noise: it calls a third of the cloud negative.
  const draw = random(2);
  const predictions = truth.map((label) => (label === 1 && draw.next() < 0.33 ? 0 : label));
  const { rows, labels: others } = intrinsicSuspects(points, labels, predictions, { k: 3 });
  const wrong = (i: number) => labels[i] !== truth[i];
  const right = [...rows].filter(wrong).length;
  const all = [...labels.keys()].filter(wrong).length;
  assert.ok(right / rows.length > 0.8, `precision ${right / rows.length}`);
  assert.ok(right / all > 0.6, `recall ${right / all}`);
  assert.ok(rows.every((i) => labels[i] === 0));
  assert.ok(others.every((label) => label === 1));
});

test("intrinsicSuspects: without missed positives there are no suspects", () => {
  const { points, labels } = noisyBlobs(50, 1);
  const { rows, labels: others } = intrinsicSuspects(points, labels, labels);
  assert.deepEqual([rows.length, others.length], [0, 0]);
});

test("intrinsicSuspects: the label of most of the positives that led there, of equals that of the nearest", () => {
  const x = Float32Array.of(1, 0, 1, 0.1, 1, 0.2, 1, 0.3);
  // Row 0 is the one negative; rows 1 to 3 are missed positives.
  assert.deepEqual([...intrinsicSuspects(x, [0, 2, 1, 1], [0, 0, 0, 0]).labels], [1]);
  assert.deepEqual([...intrinsicSuspects(x, [0, 2, 1, 1], [0, 0, 0, 1]).labels], [2]);
});

test("extrinsicSuspects: negatives beside clean positives, and positives beside nothing of their kind", () => {
  const x = Float32Array.of(1, 0, 1, 0.1, 0, 1, 0.1, 1);
  const clean = {
    representations: Float32Array.of(1, 0.05, 1, 0.02, 0.05, 1, 0.02, 1),
    labels: [3, 3, 0, 0],
  };
  const labels = [0, 3, 0, 2];
  const negatives = extrinsicSuspects(x, labels, clean, { k: 2 });
  assert.deepEqual([[...negatives.rows], [...negatives.labels]], [[0], [3]]);
  const both = extrinsicSuspects(x, labels, clean, { k: 2, positives: true });
  assert.deepEqual(
    [[...both.rows], [...both.labels]],
    [
      [0, 3],
      [3, 0],
    ],
  );
});

test("extrinsicSuspects: most of the clean neighbours must be positive", () => {
  const x = Float32Array.of(1, 0);
  const around = Float32Array.of(1, 0.1, 1, 0.2, 1, 0.3);
  const of = (labels: number[]) => [
    ...extrinsicSuspects(x, [0], { representations: around, labels }, { k: 3 }).labels,
  ];
  assert.deepEqual(of([1, 0, 0]), []);
  assert.deepEqual(of([0, 2, 1]), [2]);
});

test("extrinsicSuspects: no clean items, no suspects; relabelling twice changes nothing more", () => {
  const { points, truth, labels } = noisyBlobs(400, 3);
  const none = extrinsicSuspects(points, labels, { representations: new Float32Array(0), labels: [] });
  assert.equal(none.rows.length, 0);
  const clean = { representations: points.subarray(0, 200), labels: truth.subarray(0, 100) };
  const relabel = (before: Int32Array) => {
    const after = before.slice();
    const { rows, labels: others } = extrinsicSuspects(points, before, clean);
    for (const [i, row] of rows.entries()) after[row] = others[i]!;
    return after;
  };
  const once = relabel(labels);
  const wrong = (list: Int32Array) => list.filter((label, i) => label !== truth[i]).length;
  assert.ok(wrong(once) < wrong(labels) / 2);
  assert.deepEqual(relabel(once), once);
});

test("rows of zeros, one row, more neighbours than rows", () => {
  const zero = intrinsicSuspects(new Float32Array(6), [0, 1, 0], [0, 0, 0], { k: 5 });
  assert.deepEqual([...zero.rows], [0, 2]);
  assert.equal(intrinsicSuspects(Float32Array.of(1), [1], [0]).rows.length, 0);
});

test("errors name the argument, what it is and what is expected", () => {
  const x = Float32Array.of(1, 2);
  assert.throws(() => intrinsicSuspects(x, [0, 1, 1], [0, 1, 1]), /2 values are no representations of 3/);
  assert.throws(() => intrinsicSuspects(x, [0, 1], [0]), /predictions has 1 entries; expected 2/);
  assert.throws(() => intrinsicSuspects(x, [0, 1], [0, 1], { k: 0 }), /k is 0/);
  const clean = { representations: x, labels: [1] };
  assert.throws(() => extrinsicSuspects(x, [0, 1], clean), /have 2 dimensions; expected 1/);
});
