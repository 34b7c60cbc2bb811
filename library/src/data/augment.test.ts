import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { augment } from "./augment.ts";

const blob = Float32Array.from({ length: 2 * 784 }, (_, i) => {
  const [row, column] = [Math.floor((i % 784) / 28), i % 28];
  return Math.exp(-((row - 10) ** 2 + (column - 16) ** 2) / 8);
});
const sum = (xs: Float32Array) => xs.reduce((total, x) => total + x, 0);
const centroid = (image: Float32Array) => {
  let [row, column] = [0, 0];
  image.forEach((x, i) => {
    row += x * Math.floor(i / 28);
    column += x * (i % 28);
  });
  return [row / sum(image), column / sum(image)];
};
/** A generator that answers next() with fixed numbers: 0.5 is the middle of every range. */
const fixed = (...values: number[]) => ({ ...random(0), next: () => values.shift() ?? 0.5 });

test("without options every image comes back as it was, in a new array", () => {
  const out = augment(blob, random(1));
  assert.deepEqual(out, blob);
  assert.notEqual(out, blob);
});

test("shifts by whole pixels exactly", () => {
  const out = augment(blob.subarray(0, 784), fixed(0.5, 0.5, 1, 0), { shift: 3 });
  for (let row = 0; row < 25; row++)
    for (let column = 3; column < 28; column++)
      assert.equal(out[row * 28 + column], blob[(row + 3) * 28 + column - 3], `${row}, ${column}`);
});

test("a quarter turn maps the pixels onto each other: clockwise", () => {
  const out = augment(blob.subarray(0, 784), fixed(1), { rotation: 90 });
  for (let row = 0; row < 28; row++)
    for (let column = 0; column < 28; column++)
      assert.ok(Math.abs(out[column * 28 + 27 - row] - blob[row * 28 + column]) < 1e-5);
});

test("scaling moves the centroid from the centre and multiplies the ink by the square", () => {
  const image = blob.subarray(0, 784);
  const out = augment(image, fixed(0.5, 1), { scale: [1, 1.5] });
  const [row, column] = centroid(image);
  const [scaledRow, scaledColumn] = centroid(out);
  assert.ok(Math.abs(scaledRow - (13.5 + 1.5 * (row - 13.5))) < 0.03);
  assert.ok(Math.abs(scaledColumn - (13.5 + 1.5 * (column - 13.5))) < 0.03);
  assert.ok(Math.abs(sum(out) / sum(image) - 2.25) < 0.02);
});

test("draws stay within the limits and use them", () => {
  const many = new Float32Array(2000 * 784);
  for (let i = 0; i < 2000; i++) many.set(blob.subarray(0, 784), i * 784);
  const out = augment(many, random(2), { shift: 2 });
  const [row, column] = centroid(blob.subarray(0, 784));
  const moved = Array.from({ length: 2000 }, (_, i) => centroid(out.subarray(i * 784, (i + 1) * 784)));
  const shifts = moved.flatMap(([r, c]) => [r - row, c - column]);
  assert.ok(Math.max(...shifts) <= 2.001 && Math.max(...shifts) > 1.95);
  assert.ok(Math.min(...shifts) >= -2.001 && Math.min(...shifts) < -1.95);
});

test("erases a square with the given probability", () => {
  const white = new Float32Array(1000 * 784).fill(1);
  const out = augment(white, random(3), { erase: { probability: 0.4, side: 8 } });
  let erased = 0;
  for (let i = 0; i < 1000; i++) {
    const ink = sum(out.subarray(i * 784, (i + 1) * 784));
    assert.ok(ink === 784 || ink === 784 - 64, `${ink}`);
    if (ink < 784) erased++;
  }
  assert.ok(erased > 340 && erased < 460, `${erased} of 1000`);
});

test("equal streams give equal views, others do not; other sides work", () => {
  const options = { shift: 2, rotation: 15, scale: [0.8, 1.2] as const };
  assert.deepEqual(augment(blob, random(4), options), augment(blob, random(4), options));
  assert.notDeepEqual(augment(blob, random(4), options), augment(blob, random(5), options));
  assert.equal(augment(new Float32Array(3 * 196), random(1), options, 14).length, 3 * 196);
});

test("bad arguments are named", () => {
  assert.throws(() => augment(new Float32Array(100), random(1)), /100 values are no images of 28 by 28/);
  assert.throws(() => augment(blob, random(1), { scale: [0, 1] }), /scale \[0, 1\]/);
  assert.throws(() => augment(blob, random(1), { erase: { probability: 1, side: 29 } }), /erase.side 29/);
});

test("elastic warps move ink, smoothly: neighbours of a ramp stay close, and strength 0 changes nothing", () => {
  const side = 28;
  const ramp = Float32Array.from({ length: side * side }, (_, pixel) => (pixel % side) / side);
  const same = augment(ramp, random(1), { elastic: { strength: 0, spacing: 7 } });
  same.forEach((ink, i) => {
    assert.ok(Math.abs(ink - ramp[i]!) < 1e-6);
  });
  const warped = augment(ramp, random(1), { elastic: { strength: 2, spacing: 7 } });
  const inner = [...warped.keys()].filter(
    (i) => i % side > 8 && i % side < 19 && i > 8 * side && i < 19 * side,
  );
  const moves = inner.map((i) => (warped[i]! - ramp[i]!) * side);
  const spread = Math.sqrt(moves.reduce((sum, move) => sum + move * move, 0) / moves.length);
  assert.ok(spread > 0.5 && spread < 4, `${spread} pixels`);
  // Control points differ by a few pixels over seven, so neighbours by less than one and a half.
  for (const i of inner) assert.ok(Math.abs(warped[i + 1]! - warped[i]!) * side < 2.5);
  assert.deepEqual(augment(ramp, random(1), { elastic: { strength: 2, spacing: 7 } }), warped);
  assert.throws(() => augment(ramp, random(1), { elastic: { strength: 1, spacing: 0 } }), /spacing 0/);
});
