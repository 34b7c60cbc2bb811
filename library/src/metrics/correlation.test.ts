import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pearson, spearman } from "./correlation.ts";
import { ranks } from "./ranks.ts";

// Expected values: SciPy 1.10.1.
const a = [0, 1, 3, 0, 0, 0, 4, 0, 0, 2, 1, 3];
const b = [2, 3, 2, 3, -2, 2, 5, 2, 4, 5, -1, 0];

test("ranks share the mean among ties", () => {
  assert.deepEqual([...ranks(a)], [3.5, 7.5, 10.5, 3.5, 3.5, 3.5, 12, 3.5, 3.5, 9, 7.5, 10.5]);
  assert.throws(() => ranks([1, Number.NaN]), /value 1 is NaN/);
});

test("correlations agree with SciPy", () => {
  assert.ok(Math.abs(spearman(a, b) - 0.21822268786793866) < 1e-12);
  assert.ok(Math.abs(pearson(a, b) - 0.249608765624682) < 1e-12);
});

test("spearman is unmoved by rising maps, turned by falling ones; a constant has none", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 3, maxLength: 30 }), (xs) => {
      assert.ok(
        Math.abs(
          spearman(
            xs,
            xs.map((x) => Math.exp(x / 10)),
          ) - 1,
        ) < 1e-12,
      );
      assert.ok(
        Math.abs(
          spearman(
            xs,
            xs.map((x) => -(x ** 3)),
          ) + 1,
        ) < 1e-12,
      );
    }),
  );
  assert.ok(Number.isNaN(spearman([1, 1, 1], [1, 2, 3])));
  assert.throws(() => spearman([1], [1, 2]), /1 and 2 entries/);
});
