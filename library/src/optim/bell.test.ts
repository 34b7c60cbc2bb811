import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, scalar, values } from "../index.ts";
import { bell } from "./index.ts";

const at = async (step: number, options: Parameters<typeof bell>[0]) =>
  Number(values(await evaluate(bell(options)(scalar(step, "float64"))))[0]);
const close = (a: number, b: number, tolerance: number) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} and ${b}`);

test("it rises to its height at the peak and falls as it rose", async () => {
  const peak = 25_600;
  close(await at(0, { peak }), 0.00986604, 1e-8);
  close(await at(2 * peak, { peak }), 0.00986604, 1e-8);
  close(await at(peak / 2, { peak }), 0.180707, 1e-6);
  close(await at(peak, { peak }), 1, 1e-12);
  close(await at(peak, { peak, height: 0.25 }), 0.25, 1e-12);
  assert.ok((await at(peak / 2, { peak, sharpness: 12 })) < 0.02);
});

test("far from the peak it is 0, not infinite", async () => {
  assert.equal(await at(1e9, { peak: 10 }), 0);
  close(await at(0, { peak: 10, sharpness: 1e6 }), 0, 1e-12);
});

test("misuse is named", () => {
  assert.throws(() => bell({ peak: 0 }), /peak is 0; expected a number above 0/);
  assert.throws(() => bell({ peak: 1, height: -1 }), /height is -1/);
  assert.throws(() => bell({ peak: 1, sharpness: Number.NaN }), /sharpness is NaN/);
});
