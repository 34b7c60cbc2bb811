import assert from "node:assert/strict";
import { test } from "node:test";
import { effectDomain, placeOn } from "./effectScale.ts";

test("the axis holds zero and every interval", () => {
  const [low, high] = effectDomain([
    { gain: 2, low: 1, high: 3 },
    { gain: 4, low: 3, high: 5 },
  ]);
  assert.equal(low, -0.5);
  assert.equal(high, 5.5);
  assert.ok(placeOn([low, high], 0) < placeOn([low, high], 1));
});

test("infinite intervals and no effect at all leave a finite axis", () => {
  const none = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  assert.deepEqual(effectDomain([{ gain: 1, ...none }]), [-0.1, 1.1]);
  assert.deepEqual(effectDomain([{ gain: 0, low: 0, high: 0 }]), [-1, 1]);
  assert.equal(placeOn([-1, 1], Number.POSITIVE_INFINITY), 100);
});
