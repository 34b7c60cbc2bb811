import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { classGaussians } from "./index.ts";
import { mean, variance } from "./moments.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test("classGaussians: means and sample covariances class by class", () => {
  const draw = random("class gaussians");
  const rows = draw.normal(new Float64Array(40 * 2), 3, 2);
  const labels = Array.from({ length: 40 }, (_, i) => i % 2);
  const { counts, means, covariances } = classGaussians(rows, labels, 3);
  assert.deepEqual([...counts], [20, 20, 0]);
  for (const y of [0, 1]) {
    const column = (k: number) => labels.flatMap((label, i) => (label === y ? [rows[i * 2 + k]!] : []));
    const sums = column(0).map((x, i) => x + column(1)[i]!);
    for (const k of [0, 1]) {
      close(means[y * 2 + k]!, mean(column(k)));
      close(covariances[y * 4 + k * 3]!, variance(column(k)));
    }
    close(covariances[y * 4 + 1]!, (variance(sums) - variance(column(0)) - variance(column(1))) / 2);
    close(covariances[y * 4 + 1]!, covariances[y * 4 + 2]!);
  }
  assert.ok([...means.slice(4), ...covariances.slice(8)].every((x) => x === 0));
});

test("classGaussians: shrinkage keeps the trace; 1 gives a sphere; a single row has no variance", () => {
  const rows = [1, 2, 3, 5, 2, 9];
  const trace = (c: Float64Array) => c[0]! + c[3]!;
  const plain = classGaussians(rows, [0, 0, 0], 1).covariances;
  const sphere = classGaussians(rows, [0, 0, 0], 1, { shrinkage: 1 }).covariances;
  close(trace(plain), trace(sphere));
  assert.deepEqual([sphere[1], sphere[2], sphere[0]], [0, 0, sphere[3]]);
  assert.deepEqual([...classGaussians([1, 2], [0], 1).covariances], [0, 0, 0, 0]);
});

test("classGaussians names what does not fit", () => {
  assert.throws(() => classGaussians([1, 2, 3], [0, 0], 1), /3 values are no matrix with 2 rows/);
  assert.throws(() => classGaussians([1], [1], 1), /label 0 is 1, outside the 1 classes/);
  assert.throws(() => classGaussians([1], [0], 1, { shrinkage: 2 }), /shrinkage is 2/);
});
