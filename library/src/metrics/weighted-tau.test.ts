import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { weightedTau } from "./index.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

test("weighted tau agrees with SciPy's documented example, which has ties", () => {
  close(weightedTau([12, 2, 1, 12, 2], [1, 4, 7, 1, 0]), -0.56694968153682723);
});

test("equal orders give 1, reversed ones −1; the lists may change places; only order counts", () => {
  const list = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(list, (a) => {
      close(
        weightedTau(
          a,
          a.map((x) => x ** 3),
        ),
        1,
      );
      close(
        weightedTau(
          a,
          a.map((x) => -x),
        ),
        -1,
      );
      const b = a.map((x) => (x * 37) % 11);
      if (new Set(b).size > 1) close(weightedTau(a, b), weightedTau(b, a));
    }),
  );
  assert.ok(Number.isNaN(weightedTau([1, 1], [1, 2])));
});

test("a swap at the top costs more than one at the bottom", () => {
  assert.ok(weightedTau([4, 3, 2, 1], [3, 4, 2, 1]) < weightedTau([4, 3, 2, 1], [4, 3, 1, 2]));
});

test("errors name what is wrong", () => {
  assert.throws(() => weightedTau([1], [1, 2]), /the two lists have 1 and 2 entries/);
});
