import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { pairedInterval } from "./intervals.ts";
import { power, seedsNeeded } from "./power.ts";

// Expected values: SciPy 1.10.1, noncentral t distribution.
test("power agrees with the noncentral t distribution", () => {
  const expected: [number, number, number][] = [
    [1, 5, 0.40138991737179386],
    [1, 10, 0.8030968566475513],
    [0.5, 34, 0.8077775012792737],
    [2, 4, 0.7549839171138953],
    [0.2, 200, 0.8036666605864372],
    [3, 3, 0.7452680069825895],
  ];
  for (const [effect, seeds, value] of expected) {
    const found = power(seeds, { effect: effect * 7, deviation: 7 });
    assert.ok(Math.abs(found - value) < 1e-3, `${found} for ${value}`);
    assert.equal(power(seeds, { effect: -effect * 7, deviation: 7 }), found);
  }
});

test("seedsNeeded is the first number of seeds that is enough", () => {
  const rows: [number, number, number, number][] = [
    [0.3, 90, 119, 134],
    [0.5, 34, 44, 51],
    [0.8, 15, 19, 22],
    [1, 10, 13, 16],
    [2, 5, 5, 7],
  ];
  for (const [effect, plain, stronger, stricter] of rows) {
    assert.equal(seedsNeeded({ effect, deviation: 1 }), plain);
    assert.equal(seedsNeeded({ effect, deviation: 1, power: 0.9 }), stronger);
    assert.equal(seedsNeeded({ effect, deviation: 1, alpha: 0.01 }), stricter);
  }
});

test("paired intervals find the effect as often as power says", () => {
  const stream = random(5);
  let found = 0;
  for (let trial = 0; trial < 3000; trial++) {
    const method = stream.normal(new Float64Array(5), 1.5, 1);
    if (pairedInterval(method, new Float64Array(5)).low > 0) found++;
  }
  const expected = power(5, { effect: 1.5, deviation: 1 });
  assert.ok(Math.abs(found / 3000 - expected) < 0.03, `${found / 3000} for ${expected}`);
});

test("bad arguments are named", () => {
  assert.throws(() => power(1, { effect: 1, deviation: 1 }), /seeds 1/);
  assert.throws(() => power(5, { effect: 1, deviation: 0 }), /deviation 0/);
  assert.throws(() => seedsNeeded({ effect: 0, deviation: 1 }), /effect 0/);
  assert.throws(() => seedsNeeded({ effect: 1e-9, deviation: 1 }), /more than 2\^24 seeds/);
  assert.throws(() => seedsNeeded({ effect: 1, deviation: 1, power: 1 }), /power 1/);
});
