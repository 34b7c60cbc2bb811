import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { exponentialImbalance, sampleByClass } from "./index.ts";

test("exponentialImbalance: sizes fall by one factor, from the largest to largest / ratio", () => {
  const counts = exponentialImbalance({ classes: 10, largest: 1000, ratio: 100 });
  assert.deepEqual(
    counts,
    Array.from({ length: 10 }, (_, k) => Math.round(1000 * 100 ** (-k / 9))),
  );
  assert.equal(counts[9], 10);
  assert.deepEqual(exponentialImbalance({ classes: 3, largest: 5, ratio: 1 }), [5, 5, 5]);
  assert.deepEqual(exponentialImbalance({ classes: 2, largest: 2, ratio: 100 }), [2, 1]);
  assert.throws(() => exponentialImbalance({ classes: 1, largest: 5, ratio: 2 }), /classes is 1/);
  assert.throws(() => exponentialImbalance({ classes: 2, largest: 5, ratio: 0.5 }), /ratio is 0.5/);
});

test("sampleByClass: the counts that were asked for, no example twice, the same for equal streams", () => {
  const labels = Int32Array.from({ length: 60 }, (_, i) => i % 3);
  const draw = (seed: number) => sampleByClass(labels, [10, 4, 1], random(seed));
  const chosen = draw(1);
  const tally = [0, 0, 0];
  for (const i of chosen) tally[labels[i]!]!++;
  assert.deepEqual(tally, [10, 4, 1]);
  assert.equal(new Set(chosen).size, 15);
  assert.deepEqual(draw(1), chosen);
  assert.notDeepEqual(draw(2), chosen);
  assert.throws(() => sampleByClass(labels, [10, 21], random(1)), /counts\[1\] is 21, there are 20/);
});
