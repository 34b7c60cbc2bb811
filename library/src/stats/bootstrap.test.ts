import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { bootstrapInterval } from "./bootstrap.ts";
import { mean } from "./moments.ts";

// Expected values: SciPy 1.10.1, stats.bootstrap with 200,000 resamples.
const sample = [1.2, 3.4, 2.2, 5.1, 0.3, 2.8, 4.4, 1.9, 3.1, 9.7];
const meanOf = (units: Int32Array) => mean(Array.from(units, (i) => sample[i]));
const varianceOf = (units: Int32Array) => {
  const center = meanOf(units);
  return mean(Array.from(units, (i) => (sample[i] - center) ** 2));
};
const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} for ${expected}`);

test("intervals agree with SciPy up to resampling error", () => {
  const options = { random: random(1), resamples: 50_000 };
  const bca = bootstrapInterval(10, meanOf, options);
  close(bca.estimate, 3.41, 1e-12);
  close(bca.low, 2.25, 0.03);
  close(bca.high, 5.577, 0.06);
  const percentile = bootstrapInterval(10, meanOf, { ...options, method: "percentile" });
  close(percentile.low, 2.05, 0.03);
  close(percentile.high, 5.1, 0.04);
  const spread = bootstrapInterval(10, varianceOf, options);
  close(spread.low, 1.416, 0.05);
  close(spread.high, 16.13, 0.3);
});

test("the interval of a mean covers it in about 95 % of 500 trials", () => {
  const stream = random(4);
  let covered = 0;
  for (let trial = 0; trial < 500; trial++) {
    const values = stream.normal(new Float64Array(30));
    const { low, high } = bootstrapInterval(30, (units) => mean(Array.from(units, (i) => values[i])), {
      random: stream,
      resamples: 400,
    });
    if (low <= 0 && 0 <= high) covered++;
  }
  assert.ok(covered > 455 && covered < 492, `${covered} of 500`);
});

test("equal streams repeat; a constant has an interval of width 0", () => {
  const run = (seed: number) => bootstrapInterval(10, meanOf, { random: random(seed), resamples: 200 });
  assert.deepEqual(run(1), run(1));
  assert.notDeepEqual(run(1), run(2));
  const flat = bootstrapInterval(5, () => 7, { random: random(1), resamples: 50 });
  assert.deepEqual(flat, { estimate: 7, low: 7, high: 7 });
});

test("bad arguments are named", () => {
  assert.throws(() => bootstrapInterval(0, meanOf, { random: random(1) }), /count 0/);
  assert.throws(() => bootstrapInterval(3, meanOf, { random: random(1), resamples: 0 }), /resamples 0/);
  assert.throws(() => bootstrapInterval(3, meanOf, { random: random(1), level: 1 }), /level 1/);
});
