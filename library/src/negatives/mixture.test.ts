import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { mixtureProbabilities, mixtureSample } from "./index.ts";

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("mixtureProbabilities: in all of M lists of K documents 1/K, in one of them 1/(MK)", () => {
  const p = mixtureProbabilities([
    [1, 2],
    [1, 3],
    [1, 4],
  ]);
  close(p.get(1)!, 1 / 2);
  close(p.get(3)!, 1 / 6);
  const weighted = mixtureProbabilities([[1, 2], [3], []], { weights: [3, 1, 5] });
  close(weighted.get(1)!, 3 / 8);
  close(weighted.get(3)!, 1 / 4);
  assert.equal(mixtureProbabilities([[], []]).size, 0);
});

test("mixtureProbabilities sum to 1", () => {
  const list = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), (lists) => {
      let total = 0;
      for (const p of mixtureProbabilities(lists).values()) total += p;
      close(total, 1);
    }),
  );
});

test("mixtureSample draws with these probabilities", () => {
  const lists = [
    [1, 2, 3],
    [1, 4],
    [5, 1, 2, 6],
  ];
  const count = 40_000;
  const drawn = mixtureSample(lists, count, random(1), { replace: true });
  for (const [document, p] of mixtureProbabilities(lists)) {
    const share = drawn.filter((d) => d === document).length / count;
    assert.ok(Math.abs(share - p) < 5 * Math.sqrt((p * (1 - p)) / count), `${document}: ${share}, not ${p}`);
  }
});

test("mixtureSample: all different by default, and no more than there are", () => {
  const lists = [
    [1, 2, 3],
    [3, 4],
  ];
  assert.deepEqual(mixtureSample(lists, 10, random(2)).sort(), [1, 2, 3, 4]);
  assert.equal(new Set(mixtureSample(lists, 3, random(3))).size, 3);
  assert.deepEqual(mixtureSample([[], []], 3, random(1)), []);
  assert.deepEqual(mixtureSample(lists, 10, random(2), { weights: [0, 1] }).sort(), [3, 4]);
});

test("mixtureSample: a mixture of one list twice draws as that list alone would", () => {
  const list = [7, 8, 9];
  const once = mixtureSample([list], 3000, random(4), { replace: true });
  for (const d of list) assert.ok(Math.abs(once.filter((x) => x === d).length / 3000 - 1 / 3) < 0.05);
  assert.deepEqual(mixtureSample([list], 5, random(4), { replace: true }), once.slice(0, 5));
});

test("errors name what is wrong", () => {
  assert.throws(() => mixtureSample([[1]], -1, random(1)), /count is -1/);
  assert.throws(() => mixtureProbabilities([[1]], { weights: [1, 2] }), /weights has 2 numbers; expected 1/);
  assert.throws(() => mixtureProbabilities([[1]], { weights: [-1] }), /weights has -1/);
});
