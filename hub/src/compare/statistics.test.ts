import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "nearmiss/random";
import { resampledDifference, resampledInterval } from "./statistics.ts";

const close = (a: number, b: number, error = 1e-3) => assert.ok(Math.abs(a - b) < error, `${a} is not ${b}`);

test("without shared rows, interval and p are those of Student's t", () => {
  // Mean 2, standard error 1, four degrees of freedom: t = 2, p = 0.1161.
  const deviation = Math.sqrt(5);
  const spread = [-1, -0.5, 0, 0.5, 1];
  const unit = Math.sqrt(spread.reduce((sum, value) => sum + value ** 2, 0) / 4);
  const values = spread.map((value) => 2 + (value / unit) * deviation);
  const zeros = values.map(() => 0);
  const { estimate, low, high, p } = resampledDifference(values, zeros, { ratio: 0 });
  close(estimate, 2);
  close(low, 2 - 2.7764);
  close(high, 2 + 2.7764);
  close(p, 0.1161);
});

test("shared rows enlarge the margin as Nadeau and Bengio's variance does", () => {
  const values = [0.1, 0.4, 0.2, 0.7];
  const plain = resampledInterval(values, { ratio: 0 });
  const shared = resampledInterval(values, { ratio: 1 / 3 });
  close((shared.high - shared.low) / (plain.high - plain.low), Math.sqrt((1 / 4 + 1 / 3) / (1 / 4)), 1e-9);
});

test("p and the interval agree on whether 0 is left out", () => {
  for (let seed = 0; seed < 40; seed++) {
    const values = random(seed).normal(6, 1);
    const { low, high, p } = resampledDifference(values, new Float32Array(6), { ratio: 0.25 });
    assert.equal(p < 0.05, low > 0 || high < 0);
    assert.ok(p >= 0 && p <= 1);
  }
});

test("chance alone passes in five of a hundred cases", () => {
  let found = 0;
  for (let seed = 0; seed < 400; seed++)
    if (resampledDifference(random(seed).normal(5), new Float32Array(5), { ratio: 0 }).p < 0.05) found++;
  assert.ok(found >= 8 && found <= 34, `${found} of 400`);
});

test("one value tells nothing; equal values are no certainty", () => {
  assert.deepEqual(resampledDifference([1], [0], { ratio: 0.3 }), {
    estimate: 1,
    low: -Infinity,
    high: Infinity,
    p: 1,
  });
  assert.equal(resampledDifference([1, 1, 1], [1, 1, 1], { ratio: 0.3 }).p, 1);
  assert.equal(resampledDifference([2, 2, 2], [1, 1, 1], { ratio: 0.3 }).p, 0.25);
});
