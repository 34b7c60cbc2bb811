import assert from "node:assert/strict";
import { test } from "node:test";
import { psnr } from "./index.ts";

test("an error of 0.1 everywhere is 20 dB, of 0.01 it is 40 dB; images are averaged", () => {
  const targets = [0.2, 0.4, 0.6, 0.8];
  const off = (by: number) => targets.map((x) => x + by);
  assert.ok(Math.abs(psnr(off(0.1), targets) - 20) < 1e-9);
  assert.ok(Math.abs(psnr([0.3, 0.5, 0.61, 0.81], targets, { size: 2 }) - 30) < 1e-9);
  assert.ok(Math.abs(psnr([0.3, 0.5, 0.61, 0.81], targets) - -10 * Math.log10(0.0101 / 2)) < 1e-9);
});

test("values beyond black and white count as these", () => {
  assert.equal(psnr([5, -3], [0.9, 0.1]), psnr([1, 0], [0.9, 0.1]));
  assert.equal(psnr([5, -3], [1, 0]), Infinity);
});

test("what does not fit is named", () => {
  assert.throws(() => psnr([1], [1, 2]), /targets has 2/);
  assert.throws(() => psnr([1, 2], [1, 2], { size: 3 }), /size is 3/);
});
