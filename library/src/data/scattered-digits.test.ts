import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { mnist, scatteredDigits } from "./index.ts";

const digits = mnist({ train: 200, test: 0 }).train;
const strewn = (seed: string, options = {}) =>
  scatteredDigits({ count: 60, digits, random: random(seed), ...options });

test("boxes lie on the canvas, are as large as asked for, and hold all the ink", () => {
  const { images, boxes, present } = strewn("boxes");
  for (let i = 0; i < 60; i++) {
    const covered = new Uint8Array(48 * 48);
    for (let j = 0; j < 4; j++) {
      const box = [...boxes.subarray((i * 4 + j) * 4, (i * 4 + j + 1) * 4)].map((edge) =>
        Math.round(edge * 48),
      );
      const [left, top, right, bottom] = box as [number, number, number, number];
      if (!present[i * 4 + j]) {
        assert.deepEqual(box, [0, 0, 0, 0]);
        continue;
      }
      assert.ok(left >= 0 && top >= 0 && right <= 48 && bottom <= 48);
      const longer = Math.max(right - left, bottom - top);
      assert.ok(longer >= 12 && longer <= 20);
      let ink = 0;
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++) {
          covered[row * 48 + column] = 1;
          ink += images[i * 48 * 48 + row * 48 + column]!;
        }
      assert.ok(ink > 5);
    }
    assert.ok(covered.every((inside, at) => inside || images[i * 48 * 48 + at] === 0));
  }
});

test("numbers of digits are as asked for, equal seeds draw equal pictures, boxes overlap no more than allowed", () => {
  const { boxes, present, labels } = strewn("numbers", { objects: [2, 2], overlap: 0 });
  assert.ok(present.every((p) => p === 1));
  assert.ok(new Set(labels).size > 5);
  for (let i = 0; i < 60; i++) {
    const [a, b] = [0, 1].map((j) => boxes.subarray((i * 2 + j) * 4, (i * 2 + j + 1) * 4));
    const width = Math.min(a![2]!, b![2]!) - Math.max(a![0]!, b![0]!);
    const height = Math.min(a![3]!, b![3]!) - Math.max(a![1]!, b![1]!);
    assert.ok(width <= 1e-6 || height <= 1e-6);
  }
  assert.deepEqual(strewn("equal"), strewn("equal"));
  assert.notDeepEqual(strewn("equal").images, strewn("other").images);
  const counts = new Set(
    Array.from({ length: 60 }, (_, i) =>
      strewn("equal")
        .present.subarray(i * 4, i * 4 + 4)
        .join(),
    ),
  );
  assert.ok(counts.size >= 3);
});

test("bad options are refused by name", () => {
  assert.throws(() => strewn("bad", { objects: [0, 4] }), /objects is \[0, 4\]/);
  assert.throws(() => strewn("bad", { size: [12, 60] }), /size is \[12, 60\].*≤ 48/);
  assert.throws(() => strewn("bad", { overlap: 2 }), /overlap is 2/);
  const small = mnist({ train: 10, test: 0, size: 14 }).train;
  assert.throws(() => strewn("bad", { digits: small }), /10 labels and 1960 pixels/);
});
