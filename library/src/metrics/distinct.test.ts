import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { distinctN, sourceEntropies } from "./index.ts";

test("it counts different n-grams over all texts together", () => {
  const texts = [
    ["a", "b", "a", "b"],
    ["a", "b"],
  ];
  assert.equal(distinctN(texts, 1), 2 / 6);
  assert.equal(distinctN(texts, 2), 2 / 4);
  assert.equal(distinctN(texts, 3), 2 / 2);
  assert.equal(distinctN(texts, 5), 0);
  assert.equal(distinctN([], 1), 0);
  // An n-gram does not reach from one text into the next, and words are kept apart.
  assert.equal(distinctN([["a"], ["b"]], 2), 0);
  assert.equal(
    distinctN(
      [
        ["ab", "c"],
        ["a", "bc"],
      ],
      2,
    ),
    1,
  );
  assert.throws(() => distinctN(texts, 0), /n is 0/);
});

test("texts said twice halve it", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 })), (texts) => {
      const once = distinctN(texts, 2);
      assert.ok(once >= 0 && once <= 1);
      assert.ok(Math.abs(distinctN([...texts, ...texts], 2) - once / 2) < 1e-12);
    }),
  );
});

test("the source entropy is 0 for one query and log m for m equally frequent ones", () => {
  const pairs = [
    ...["a", "b", "c"].map((query) => ({ query, response: "no idea" })),
    { query: "a", response: "rome" },
    { query: "a", response: "rome" },
    { query: "a", response: "mixed" },
    { query: "a", response: "mixed" },
    { query: "a", response: "mixed" },
    { query: "b", response: "mixed" },
  ];
  const entropies = sourceEntropies(pairs);
  for (const i of [0, 1, 2]) assert.ok(Math.abs(entropies[i]! - Math.log(3)) < 1e-12);
  assert.equal(entropies[3], 0);
  const mixed = -(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25));
  for (const i of [5, 8]) assert.ok(Math.abs(entropies[i]! - mixed) < 1e-12);
  assert.equal(sourceEntropies([]).length, 0);
});
