import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ensembleNegatives } from "./index.ts";

test("ensembleNegatives takes from the teachers in turn", () => {
  const lists = [
    [1, 2, 3],
    [1, 4],
    [5, 2],
  ];
  assert.deepEqual(ensembleNegatives(lists), [1, 4, 5]);
  assert.deepEqual(ensembleNegatives(lists, { distinct: false }), [1, 1, 5]);
  assert.deepEqual(ensembleNegatives(lists, { count: 9 }), [1, 4, 5, 2, 3]);
  assert.deepEqual(ensembleNegatives([[], [7]], { count: 2 }), [7]);
  assert.throws(() => ensembleNegatives([], {}), /count is 0; expected a positive integer/);
});

test("ensembleNegatives: one teacher gives its own list, all of them the union", () => {
  const list = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), (lists) => {
      const all = ensembleNegatives(lists, { count: 100 });
      assert.equal(new Set(all).size, all.length);
      assert.deepEqual(
        all.toSorted((a, b) => a - b),
        [...new Set(lists.flat())].sort((a, b) => a - b),
      );
      assert.deepEqual(ensembleNegatives([lists[0]!], { count: 100 }), lists[0]);
    }),
  );
});
