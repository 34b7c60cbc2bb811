import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { quantile } from "../stats/index.ts";
import { incompleteObservations, labelSomePositives, makeBags, propensities } from "./weak.ts";

const mean = (list: ArrayLike<number>) => Array.from(list).reduce((a, b) => a + b, 0) / list.length;

test("incompleteObservations: noise N(0, 1), β = 0.6 gives 30 % above the function, a median of −0.72", () => {
  const noise = random(1).normal(new Float64Array(200_000));
  const { labels, complete } = incompleteObservations(noise, {
    completeness: 0.6,
    scale: 1,
    noise,
    random: random(2),
  });
  const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 0.015, `${a} is not ${b}`);
  near(mean(complete), 0.6);
  near(mean(labels.map((y) => Number(y > 0))), 0.3);
  near(quantile([...labels], 0.5), -0.72);
  near(quantile([...labels], 0.7), 0);
  // −0.4 (2 E|ε| + 1) = −0.4 (1.5958 + 1)
  near(mean(labels), -1.038);
  assert.ok(labels.every((y, i) => (complete[i] ? y === noise[i] : y < 0)));
});

test("incompleteObservations: with β = 1 labels stay; equal streams drop the same labels", () => {
  const same = incompleteObservations([1, 2], { completeness: 1, scale: 3, random: random(1) });
  assert.deepEqual([...same.labels], [1, 2]);
  const draw = (scale: number) =>
    incompleteObservations(Array(50).fill(1), { completeness: 0.5, scale, random: random(3) });
  assert.deepEqual(draw(1).complete, draw(2).complete);
});

test("makeBags: each example in one bag at most, proportions count positives", () =>
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer(),
      (labels, size, seed) => {
        const { indices, proportions } = makeBags(labels, size, random(seed));
        assert.equal(proportions.length, Math.floor(labels.length / size));
        assert.equal(indices.length, proportions.length * size);
        assert.equal(new Set(indices).size, indices.length);
        proportions.forEach((proportion, bag) => {
          const members = [...indices.slice(bag * size, (bag + 1) * size)].map((i) => labels[i]!);
          assert.ok(Math.abs(proportion - mean(members)) < 1e-6);
        });
      },
    ),
  ));

test("propensities: from lowest to highest along an attribute, geometric mean of several", () => {
  const x = Float64Array.from([0, 5, 1, 5, 2, 7]);
  assert.deepEqual(
    [...propensities(x, 2, { attributes: [0] })].map((e) => Number(e.toFixed(9))),
    [0.2, 0.5, 0.8],
  );
  const both = [...propensities(x, 2, { attributes: [0, 1] })];
  const expected = [0.2, Math.sqrt(0.5 * 0.2), 0.8];
  assert.ok(
    both.every((e, i) => Math.abs(e - expected[i]!) < 1e-12),
    both.join(),
  );
  // An attribute that never changes says nothing; labelling is then completely at random.
  assert.deepEqual([...propensities(Float64Array.of(3, 3), 1, { attributes: [0], lowest: 0.5 })], [0.5, 0.5]);
});

test("labelSomePositives: never a negative; frequencies are the propensities", () => {
  const n = 20_000;
  const labels = Array.from({ length: n }, (_, i) => i % 2);
  const observed = labelSomePositives(labels, Array(n).fill(0.3), random(1));
  assert.ok(observed.every((s, i) => s <= labels[i]!));
  assert.ok(Math.abs(mean(observed) * 2 - 0.3) < 0.015);
});

test("errors name the argument, what it is and what is expected", () => {
  const stream = random(1);
  const incomplete = (completeness: number, scale: number, noise?: number[]) =>
    incompleteObservations([1], { completeness, scale, noise, random: stream });
  assert.throws(() => incomplete(2, 1), /completeness is 2; expected a probability/);
  assert.throws(() => incomplete(0.5, -1), /scale is -1/);
  assert.throws(() => incomplete(0.5, 1, [1, 2]), /noise has 2 entries for 1 labels/);
  assert.throws(() => makeBags([1, 0], 3, stream), /size is 3; expected a whole number from 1 to 2/);
  assert.throws(() => propensities(Float64Array.of(1), 1, { attributes: [1] }), /attributes is \[1\]/);
  assert.throws(() => propensities(Float64Array.of(1), 2, { attributes: [1] }), /no rows of width 2/);
  assert.throws(() => labelSomePositives([1], [1, 1], stream), /propensity has 2 entries for 1 labels/);
});
