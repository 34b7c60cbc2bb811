import assert from "node:assert/strict";
import { test } from "node:test";
import { mnist } from "./mnist.ts";
import { readPackageJson } from "./package-file.ts";

const imageKey = (images: Float32Array, i: number) => images.subarray(i * 784, (i + 1) * 784).join();

test("all 10,000 digits are there, with the pixels that JSON.parse reads", () => {
  const { train, test } = mnist({ train: 10_000, test: 0 });
  assert.equal(test.labels.length, 0);
  const counts = new Array(10).fill(0);
  for (const label of train.labels) counts[label]++;
  assert.deepEqual(counts, [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  for (const digit of [1, 8]) {
    const { data } = readPackageJson<{ data: number[] }>("mnist", `src/digits/${digit}.json`);
    const expected = new Set<string>();
    for (let at = 0; at < data.length; at += 784) {
      const bytes = data
        .slice(at, at + 784)
        .map((intensity) => Math.fround(Math.round(intensity * 255) / 255));
      expected.add(Float32Array.from(bytes).join());
    }
    const found = new Set<string>();
    for (const [i, label] of train.labels.entries())
      if (label === digit) found.add(imageKey(train.images, i));
    assert.deepEqual(found, expected);
  }
});

test("train, validation and test share no image and hold the digits in proportion", () => {
  const parts = mnist({ train: 2000, validation: 500, test: 1000, seed: 3 });
  const seen = new Set<string>();
  for (const { images, labels } of [parts.train, parts.validation, parts.test]) {
    assert.equal(images.length, labels.length * 784);
    const ones = labels.filter((label) => label === 1).length;
    assert.ok(Math.abs(ones - labels.length * 0.1127) <= 2);
    for (let i = 0; i < labels.length; i++) seen.add(imageKey(images, i));
  }
  assert.equal(seen.size, 3500);
});

test("the seed decides which digits come, and in which order", () => {
  const labels = (seed: number) => mnist({ train: 100, test: 0, seed }).train.labels;
  assert.deepEqual(labels(1), labels(1));
  assert.notDeepEqual(labels(1), labels(2));
});

test("size 14 averages squares of four pixels of the same digits", () => {
  const full = mnist({ train: 20, test: 0 }).train;
  const half = mnist({ train: 20, test: 0, size: 14 }).train;
  assert.deepEqual(half.labels, full.labels);
  for (const [image, row, column] of [
    [0, 7, 7],
    [19, 5, 9],
    [4, 13, 0],
  ]) {
    const at = image * 784 + row * 2 * 28 + column * 2;
    const mean = (full.images[at] + full.images[at + 1] + full.images[at + 28] + full.images[at + 29]) / 4;
    assert.equal(half.images[image * 196 + row * 14 + column], Math.fround(mean));
  }
});

test("too many digits and other sizes are refused", () => {
  assert.throws(() => mnist({ train: 9000, test: 2000 }), /ask for 11000 items, there are 10000/);
  assert.throws(() => mnist({ size: 20 as 28 }), /size 20 must be 28 or 14/);
});
