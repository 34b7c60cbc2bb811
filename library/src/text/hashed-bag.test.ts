import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hash32 } from "./hash.ts";
import { characterNgrams, denseBag, hashedBag } from "./hashed-bag.ts";

test("counts words in their buckets, sorted", () => {
  const bag = hashedBag("b a b", 1 << 20);
  const expected = [
    [hash32("a") % (1 << 20), 1],
    [hash32("b") % (1 << 20), 2],
  ].sort(([x], [y]) => x - y);
  assert.deepEqual(
    Array.from(bag.indices, (bucket, i) => [bucket, bag.values[i]]),
    expected,
  );
});

test("counts add up to the number of words, whatever collides", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,6}$/)),
      fc.integer({ min: 1, max: 50 }),
      (list, buckets) => {
        const bag = hashedBag(list.join(" "), buckets);
        assert.equal(
          bag.values.reduce((sum, x) => sum + x, 0),
          list.length,
        );
        assert.ok(
          bag.indices.every(
            (bucket, i) => bucket >= 0 && bucket < buckets && bucket > (bag.indices[i - 1] ?? -1),
          ),
        );
      },
    ),
  );
});

test("signed bags keep inner products unbiased where plain ones inflate them", () => {
  // Disjoint words: the true inner product is 0.
  let plain = 0;
  let signed = 0;
  for (let trial = 0; trial < 400; trial++) {
    const row = (side: string, options: { signed: boolean }) => {
      const text = Array.from({ length: 20 }, (_, i) => `${side}${trial}x${i}`).join(" ");
      return denseBag(hashedBag(text, 32, options), 32);
    };
    const product = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    plain += product(row("a", { signed: false }), row("b", { signed: false })) / 400;
    signed += product(row("a", { signed: true }), row("b", { signed: true })) / 400;
  }
  assert.ok(Math.abs(plain - 400 / 32) < 1, `plain ${plain}`);
  assert.ok(Math.abs(signed) < 1, `signed ${signed}`);
});

test("other features can be hashed", () => {
  assert.deepEqual(characterNgrams("Cat a", 3), ["<ca", "cat", "at>", "<a>"]);
  assert.deepEqual(characterNgrams("a", 5), ["<a>"]);
  const bag = hashedBag("cat", 1000, { features: characterNgrams });
  assert.equal(
    bag.values.reduce((sum, x) => sum + x, 0),
    3,
  );
});

test("refuses a number of buckets that is none", () => {
  for (const buckets of [0, -1, 1.5, Number.NaN])
    assert.throws(() => hashedBag("a", buckets), /buckets .* must be/);
});
