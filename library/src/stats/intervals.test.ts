import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { meanInterval, pairedInterval, proportionInterval } from "./intervals.ts";
import { mean, median, quantile, standardDeviation, standardError, variance } from "./moments.ts";

// Expected values: SciPy 1.10.1 and NumPy.
const a = [0.912, 0.905, 0.921, 0.899, 0.917, 0.908];
const b = [0.901, 0.903, 0.909, 0.9, 0.905, 0.897];
const close = (actual: number, expected: number, tolerance = 1e-10) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} for ${expected}`);

test("moments and quantiles agree with NumPy", () => {
  close(mean(a), 0.9103333333333334);
  close(variance(a), 6.466666666666678e-5);
  close(standardDeviation(a), Math.sqrt(6.466666666666678e-5));
  close(standardError(a), Math.sqrt(6.466666666666678e-5 / 6));
  [0.1, 0.25, 0.5, 0.9].forEach((p, i) => {
    close(quantile(a, p), [0.902, 0.90575, 0.91, 0.919][i]);
  });
  assert.equal(median([3, 1, 2]), 2);
  assert.ok(Number.isNaN(variance([1])) && Number.isNaN(mean([])));
  assert.throws(() => quantile(a, 2), /probability 2/);
});

test("t intervals agree with SciPy", () => {
  const at95 = meanInterval(a);
  close(at95.low, 0.9018942350077673);
  close(at95.high, 0.9187724316588995);
  close(meanInterval(a, { level: 0.99 }).low, 0.8970959990394775);
  const paired = pairedInterval(a, b);
  close(paired.estimate, 0.00783333333333334);
  close(paired.low, 0.0017713851363552087);
  close(paired.high, 0.01389528153031147);
});

test("one value says nothing of its spread: an infinite interval", () => {
  assert.deepEqual(meanInterval([3]), { estimate: 3, low: -Infinity, high: Infinity });
});

test("t intervals of 5 normal values cover their mean in 95 % of 4000 trials", () => {
  const stream = random("coverage");
  let covered = 0;
  for (let trial = 0; trial < 4000; trial++) {
    const { low, high } = meanInterval(stream.normal(new Float64Array(5), 2, 3));
    if (low <= 2 && 2 <= high) covered++;
  }
  assert.ok(Math.abs(covered / 4000 - 0.95) < 3.5 * Math.sqrt((0.95 * 0.05) / 4000), `${covered} of 4000`);
});

test("Wilson's interval: a textbook value, and no false certainty at 0 and 1", () => {
  const { low, high } = proportionInterval(8, 10);
  close(low, 0.4901624715, 1e-8);
  close(high, 0.9433178485, 1e-8);
  assert.equal(proportionInterval(0, 20).low, 0);
  assert.ok(proportionInterval(0, 20).high > 0.15);
  assert.equal(proportionInterval(20, 20).high, 1);
});

test("bad arguments are named", () => {
  assert.throws(() => meanInterval(a, { level: 95 }), /level 95/);
  assert.throws(() => pairedInterval([1], [1, 2]), /1 and 2 values/);
  assert.throws(() => proportionInterval(3, 2), /3 successes of 2 trials/);
});
