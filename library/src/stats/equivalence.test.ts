import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { equivalenceTest } from "./index.ts";

/** n differences of the given mean and standard error of the mean. */
const sample = (n: number, mean: number, error: number) => {
  const spread = error * Math.sqrt(n - 1);
  return Array.from({ length: n }, (_, i) => mean + (i % 2 === 0 ? spread : -spread));
};

test("equivalenceTest: a small error around 0 is equal, a mean beyond the margin is not", () => {
  const { p, equivalent } = equivalenceTest(sample(400, 0, 0.002), { margin: 0.01 });
  assert.ok(p < 1e-6 && equivalent, `${p}`);
  const beyond = equivalenceTest(sample(400, 0.02, 0.002), { margin: 0.01 });
  assert.ok(beyond.p > 0.999 && !beyond.equivalent);
  assert.ok(equivalenceTest(sample(400, 0.0095, 0.002), { margin: 0.01 }).p > 0.05);
});

test("equivalenceTest: with three values, t with two degrees of freedom in closed form", () => {
  // Mean 0, standard error 1 / √3: P(t₂ < −x) = 1/2 − x / (2 √(2 + x²)).
  const { p, interval } = equivalenceTest([-1, 0, 1], { margin: 2 });
  const x = 2 * Math.sqrt(3);
  assert.ok(Math.abs(p - (0.5 - x / (2 * Math.sqrt(2 + x * x)))) < 1e-9);
  assert.ok(Math.abs(interval.high - 2.919986 / Math.sqrt(3)) < 1e-5);
});

test("equivalenceTest: says yes exactly where the 90 % interval lies inside the margin", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 20 }),
      fc.double({ min: 0.01, max: 2, noNaN: true }),
      (differences, margin) => {
        const { p, equivalent, interval } = equivalenceTest(differences, { margin });
        if (Math.abs(p - 0.05) < 1e-6) return;
        assert.equal(equivalent, interval.low > -margin && interval.high < margin);
        const turned = differences.map((difference) => -difference);
        assert.ok(Math.abs(equivalenceTest(turned, { margin }).p - p) < 1e-9);
      },
    ),
  );
});

test("equivalenceTest: at a true difference of the margin it is wrong in 5 % of samples", () => {
  const draw = random(1);
  let wrong = 0;
  for (let i = 0; i < 4000; i++)
    if (equivalenceTest(draw.normal(30, 1, 0.5), { margin: 1 }).equivalent) wrong++;
  assert.ok(Math.abs(wrong / 4000 - 0.05) < 0.015, `${wrong / 4000}`);
});

test("equivalenceTest: equal differences, and bad input", () => {
  assert.equal(equivalenceTest([0.5, 0.5], { margin: 1 }).p, 0);
  assert.equal(equivalenceTest([2, 2], { margin: 1 }).p, 1);
  assert.throws(() => equivalenceTest([1, 2], { margin: 0 }), /margin is 0/);
  assert.throws(() => equivalenceTest([1, 2], { margin: 1, alpha: 0.5 }), /alpha is 0.5/);
  assert.throws(() => equivalenceTest([1], { margin: 1 }), /1 differences; expected at least 2/);
});
