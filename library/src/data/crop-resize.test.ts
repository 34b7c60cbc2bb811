import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cropResize } from "./index.ts";

const image = Float32Array.from({ length: 24 }, (_, i) => i / 24);

test("halving takes means of four pixels, and a part keeps its place", () => {
  const four = Float32Array.from({ length: 16 }, (_, i) => i);
  const half = cropResize(four, 4, { left: 0, top: 0, right: 4, bottom: 4 }, 2);
  // Samples at the middles of pixels: (0 + 1 + 4 + 5) / 4 and so on.
  assert.deepEqual([...half], [2.5, 4.5, 10.5, 12.5]);
  assert.deepEqual([...cropResize(four, 4, { left: 2, top: 2, right: 4, bottom: 4 }, 1)], [12.5]);
});

test("height and width of the result may differ", () => {
  const box = { left: 0, top: 0, right: 6, bottom: 4 };
  const flat = cropResize(image, 6, box, [1, 3]);
  assert.equal(flat.length, 3);
  assert.ok(flat[0]! < flat[1]! && flat[1]! < flat[2]!);
  // Columns 2 and 3 of all four rows.
  const middle = [2, 3, 8, 9, 14, 15, 20, 21].map((i) => i / 24);
  assert.ok(Math.abs(flat[1]! - middle.reduce((a, b) => a + b) / 8) < 1e-6);
});

test("outside of the picture is 0, and an even picture stays even within", () => {
  const ones = new Float32Array(24).fill(1);
  const outside = cropResize(ones, 6, { left: 10, top: 10, right: 14, bottom: 14 }, 3);
  assert.ok(outside.every((value) => value === 0));
  const edge = cropResize(image, 6, { left: 6, top: 4, right: 9, bottom: 9 }, 2, { outside: "nearest" });
  assert.ok(edge.every((value) => value === image[23]));
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 2, noNaN: true }),
      fc.double({ min: 0.5, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 5 }),
      (left, side, size) => {
        const inside = cropResize(ones, 6, { left, top: 1, right: left + side, bottom: 1 + side }, size);
        assert.ok(inside.every((value) => Math.abs(value - 1) < 1e-6));
      },
    ),
  );
});

test("bad input is refused by name", () => {
  const box = { left: 0, top: 0, right: 2, bottom: 2 };
  assert.throws(() => cropResize(image, 5, box, 2), /width is 5; expected one that divides the 24/);
  assert.throws(() => cropResize(image, 6, { ...box, right: 0 }, 2), /box is \[0, 0, 0, 2\]/);
  assert.throws(() => cropResize(image, 6, box, 0), /size is 0/);
});
