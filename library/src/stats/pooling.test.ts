import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { randomEffects } from "./pooling.ts";

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} for ${expected}`);

test("agrees with the formulas evaluated in NumPy", () => {
  const effects = [0.38, 0.62, -0.05, 0.44, 0.12, 0.9];
  const variances = [0.02, 0.05, 0.03, 0.01, 0.04, 0.06];
  const pooled = randomEffects(effects, variances);
  close(pooled.q, 13.864376417233562);
  close(pooled.between, 0.04814273399014779);
  close(pooled.i2, 0.6393635134007939);
  close(pooled.estimate, 0.3777907909866788);
  close(pooled.low, 0.1521536554211971, 1e-9);
  close(pooled.high, 0.6034279265521605, 1e-9);
  const knapp = randomEffects(effects, variances, { interval: "hartung-knapp" });
  close(knapp.low, 0.04608214038083552, 1e-9);
  close(knapp.high, 0.709499441592522, 1e-9);
});

test("equal effects pool as fixed ones; one task keeps its own interval", () => {
  const pooled = randomEffects([1, 1, 1], [0.1, 0.2, 0.4]);
  close(pooled.between, 0);
  close(pooled.i2, 0);
  close(pooled.high - 1, 1.959963984540054 / Math.sqrt(10 + 5 + 2.5), 1e-9);
  const single = randomEffects([2], [4]);
  close(single.high - 2, 1.959963984540054 * 2, 1e-9);
  assert.equal(randomEffects([2], [4], { interval: "hartung-knapp" }).high, Infinity);
});

test("the interval covers the mean effect of varying tasks: Hartung-Knapp at 95 %, normal below", () => {
  const stream = random(6);
  const covered = { normal: 0, "hartung-knapp": 0 };
  for (let trial = 0; trial < 2000; trial++) {
    const variances = stream.uniform(new Float64Array(6), 0.01, 0.1);
    const effects = variances.map((v) => 0.5 + stream.normal(new Float64Array(1), 0, Math.sqrt(0.05 + v))[0]);
    for (const interval of ["normal", "hartung-knapp"] as const) {
      const { low, high } = randomEffects(effects, variances, { interval });
      if (low <= 0.5 && 0.5 <= high) covered[interval]++;
    }
  }
  assert.ok(covered["hartung-knapp"] > 1850 && covered["hartung-knapp"] < 1940, JSON.stringify(covered));
  assert.ok(covered.normal > 1740 && covered.normal < covered["hartung-knapp"], JSON.stringify(covered));
});

test("bad arguments are named", () => {
  assert.throws(() => randomEffects([1, 2], [1]), /2 effects with 1 variances/);
  assert.throws(() => randomEffects([1], [0]), /variance 0 is 0/);
  assert.throws(() => randomEffects([], []), /0 effects/);
});
