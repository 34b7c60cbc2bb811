import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scorePairs } from "./index.ts";

test("the widest gaps first, none below the least, none of a kind", () => {
  const scores = [0.1, 0.9, 0.4];
  assert.deepEqual(
    scorePairs(scores, { maxPairs: 9 }).map(({ chosen, rejected }) => [chosen, rejected]),
    [
      [1, 0],
      [1, 2],
      [2, 0],
    ],
  );
  assert.equal(scorePairs(scores, { minGap: 0.6 }).length, 1);
  assert.deepEqual(scorePairs(scores, { alike: () => true }), []);
  assert.deepEqual(scorePairs([0.5, 0.5], { minGap: 0 }), []);
  assert.deepEqual(scorePairs([]), []);
});

test("no pair has a smaller gap than asked for, and none is left out that is wider than one taken", () => {
  const lists = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
  fc.assert(
    fc.property(
      lists,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 5 }),
      (scores, minGap, maxPairs) => {
        const pairs = scorePairs(scores, { minGap, maxPairs });
        const alternate = (a: number, b: number) => (a + b) % 2 === 0;
        for (const { chosen, rejected, gap } of pairs) {
          assert.ok(gap > 0 && gap >= minGap);
          assert.equal(gap, scores[chosen]! - scores[rejected]!);
        }
        if (pairs.length > 0) assert.equal(pairs[0]!.gap, Math.max(...scores) - Math.min(...scores));
        for (const { chosen, rejected } of scorePairs(scores, { minGap, alike: alternate }))
          assert.ok(!alternate(chosen, rejected));
      },
    ),
  );
});

test("bad input is refused by name", () => {
  assert.throws(() => scorePairs([Number.NaN]), /scores holds NaN at 0/);
  assert.throws(() => scorePairs([], { minGap: -1 }), /minGap is -1/);
  assert.throws(() => scorePairs([], { maxPairs: 0 }), /maxPairs is 0/);
});
