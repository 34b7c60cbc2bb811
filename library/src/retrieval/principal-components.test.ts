import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { concatenateEncoders, principalComponents, type Vectors, vectors } from "./index.ts";

const row = ({ data, width }: Vectors, i: number) => [...data.subarray(i * width, (i + 1) * width)];
const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const cosine = (a: number[], b: number[]) => dot(a, b) / Math.hypot(...a) / Math.hypot(...b);
const close = (a: number, b: number, tolerance = 1e-5) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

const some = (seed: number, count: number, width: number) =>
  vectors(random(seed).normal(count * width), width);

test("concatenateEncoders: cosines are the encoders' mean, and an encoder twice counts twice", () => {
  const [a, b] = [some(1, 5, 3), some(2, 5, 4)];
  const both = concatenateEncoders([a, b]);
  const doubled = concatenateEncoders([a, { ...b, data: b.data.map((x) => 9 * x) }, a]);
  assert.deepEqual([both.width, doubled.width], [7, 10]);
  for (let i = 0; i < 5; i++)
    for (let j = 0; j < 5; j++) {
      const [ca, cb] = [cosine(row(a, i), row(a, j)), cosine(row(b, i), row(b, j))];
      close(cosine(row(both, i), row(both, j)), (ca + cb) / 2);
      close(cosine(row(doubled, i), row(doubled, j)), (2 * ca + cb) / 3);
    }
  assert.throws(() => concatenateEncoders([]), /there are no encoders/);
  assert.throws(() => concatenateEncoders([a, some(1, 4, 3)]), /encoders have 5 and 4 rows/);
});

test("principalComponents: all of the variance keeps distances, less keeps the fewest components", () => {
  const x = some(3, 40, 6);
  x.data.forEach((value, at) => {
    x.data[at] = value * [5, 3, 2, 1, 0.5, 0.1][at % 6]! + 1;
  });
  const all = principalComponents(x, { variance: 1 });
  assert.equal(all.width, 6);
  const y = all.transform(x);
  const distance = (v: Vectors, i: number, j: number) =>
    Math.hypot(...row(v, i).map((a, k) => a - row(v, j)[k]!));
  for (let j = 1; j < 10; j++) close(distance(y, 0, j), distance(x, 0, j));
  // Components: uncorrelated, centred, and of falling variance.
  const columns = Array.from({ length: 6 }, (_, k) => Array.from({ length: 40 }, (_, i) => row(y, i)[k]!));
  const variances = columns.map((column) => dot(column, column) / 40);
  for (const [k, column] of columns.entries()) {
    close(
      column.reduce((a, b) => a + b, 0),
      0,
      1e-3,
    );
    for (const other of columns.slice(k + 1)) close(dot(column, other) / 40, 0, 1e-4);
  }
  assert.deepEqual(
    variances.toSorted((a, b) => b - a),
    variances,
  );
  for (const variance of [0.5, 0.8, 0.95]) {
    const { width, retained } = principalComponents(x, { variance });
    const total = variances.reduce((a, b) => a + b, 0);
    const share = (count: number) => variances.slice(0, count).reduce((a, b) => a + b, 0) / total;
    close(retained, share(width));
    assert.ok(retained >= variance && share(width - 1) < variance);
  }
});

test("principalComponents: columns that repeat need no component, and bad input is refused", () => {
  const x = some(4, 20, 2);
  const twice = concatenateEncoders([x, x]);
  assert.equal(principalComponents(twice, { variance: 1 }).width, 2);
  assert.throws(() => principalComponents(x, { variance: 0 }), /variance is 0/);
  assert.throws(() => principalComponents(vectors(new Float32Array(4), 2)), /all rows are equal/);
  assert.throws(() => principalComponents(vectors(new Float32Array(2), 2)), /there are 1 rows/);
  assert.throws(() => principalComponents(x).transform(some(1, 2, 3)), /rows have width 3; expected 2/);
});
