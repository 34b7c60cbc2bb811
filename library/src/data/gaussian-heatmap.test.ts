import assert from "node:assert/strict";
import { test } from "node:test";
import { gaussianHeatmap } from "./index.ts";

const size = { classes: 2, height: 5, width: 7 };

test("a bump is 1 at its cell and falls with the distance, on the map of its class, cut off at its radius", () => {
  const map = gaussianHeatmap([{ label: 1, row: 2, column: 3, radius: 1 }], size);
  const at = (label: number, row: number, column: number) => map[(label * 5 + row) * 7 + column]!;
  assert.equal(at(1, 2, 3), 1);
  assert.ok(Math.abs(at(1, 2, 4) - Math.exp(-2)) < 1e-6);
  assert.ok(Math.abs(at(1, 1, 2) - Math.exp(-4)) < 1e-6);
  assert.equal(at(1, 2, 5), 0);
  assert.equal(map.filter((value) => value > 0).length, 9);
  assert.equal(map.filter((value) => value === 1).length, 1);
});

test("bumps at the border are cut, and of two the higher stands", () => {
  const objects = [
    { label: 0, row: 0, column: 0, radius: 2 },
    { label: 0, row: 0, column: 1, radius: 2 },
  ];
  const map = gaussianHeatmap(objects, size);
  assert.equal(map[0], 1);
  assert.equal(map[1], 1);
  assert.deepEqual(map, gaussianHeatmap(objects.toReversed(), size));
});

test("bad objects are refused", () => {
  assert.throws(() => gaussianHeatmap([{ label: 2, row: 0, column: 0, radius: 1 }], size), /label 2/);
  assert.throws(() => gaussianHeatmap([{ label: 0, row: 5, column: 0, radius: 1 }], size), /row 5/);
  assert.throws(() => gaussianHeatmap([{ label: 0, row: 0, column: 0, radius: 0.5 }], size), /radius is 0.5/);
});
