import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { type DynamicOptions, dynamicNegatives, replaceEasyNegatives } from "./index.ts";

const list = (length: number) => Array.from({ length }, (_, i) => 100 + i);

/** Whether one negative that scored `before` is replaced when it scores `now`. */
function isReplaced(before: number, now: number, options?: DynamicOptions): boolean {
  const start = dynamicNegatives(list(30), () => before, { count: 1 });
  return replaceEasyNegatives(start, () => now, options) !== start;
}

test("replaceEasyNegatives: the rule on both sides of its edges", () => {
  const edge = 0.5 / 1.15; // 0.4347826
  assert.equal(isReplaced(0.5, edge - 1e-9), true);
  assert.equal(isReplaced(0.5, edge + 1e-9), false);
  assert.equal(isReplaced(0.95, 0.81), false);
  assert.equal(isReplaced(0.95, 0.79), true);
  assert.equal(isReplaced(-0.2, -0.21), true);
  assert.equal(isReplaced(-0.2, -0.85), false);
  assert.equal(isReplaced(0.95, 0.81, { ceiling: 0.82 }), true);
  assert.equal(isReplaced(0.5, 0.45, { factor: 1.05 }), true);
});

test("replaceEasyNegatives: the i-th set stands at places (i - 1) n + 10 to i n + 10", () => {
  const candidates = list(22);
  let easier = 1;
  const score = () => easier;
  let negatives = dynamicNegatives(candidates, score, { count: 4 });
  assert.deepEqual(negatives.documents, candidates.slice(0, 4));
  for (let i = 1; i <= 3; i++) {
    easier /= 2;
    negatives = replaceEasyNegatives(negatives, score);
    assert.deepEqual(negatives.documents, candidates.slice((i - 1) * 4 + 10, i * 4 + 10));
    assert.deepEqual(negatives.scores, new Array(4).fill(easier));
    // Taken just now, they are not easy yet.
    assert.equal(replaceEasyNegatives(negatives, score), negatives);
  }
  // The list is at its end.
  easier /= 2;
  assert.equal(replaceEasyNegatives(negatives, score), negatives);
  assert.equal(dynamicNegatives(candidates, score, { count: 12 }).next, 12);
  assert.deepEqual(
    dynamicNegatives(candidates, score, { count: 2, first: 3, from: 0 }).documents,
    candidates.slice(3, 5),
  );
});

test("replaceEasyNegatives: one by one, or by the mean", () => {
  const scores = new Map([
    [100, 0.2],
    [101, 0.6],
  ]);
  const start = dynamicNegatives(list(30), () => 0.6, { count: 2 });
  const now = (document: number) => scores.get(document) ?? 0.7;
  const each = replaceEasyNegatives(start, now, { granularity: "each" });
  assert.deepEqual(each.documents, [110, 101]);
  assert.deepEqual(each.scores, [0.7, 0.6]);
  // 1.15 times the mean of 0.2 and 0.6 is below 0.6.
  assert.deepEqual(replaceEasyNegatives(start, now).documents, [110, 111]);
  scores.set(100, 0.5);
  assert.equal(replaceEasyNegatives(start, now), start);
});

test("replaceEasyNegatives: no document comes twice, none from outside of the list", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom("query" as const, "each" as const),
      (seed, count, granularity) => {
        const draw = random(seed);
        const candidates = list(40);
        let negatives = dynamicNegatives(candidates, () => draw.next(), { count });
        const seen = [...negatives.documents];
        for (let i = 0; i < 20; i++) {
          const after = replaceEasyNegatives(negatives, () => draw.next(), { granularity });
          assert.equal(after.documents.length, count);
          seen.push(...after.documents.filter((document) => !negatives.documents.includes(document)));
          negatives = after;
        }
        assert.equal(new Set(seen).size, seen.length);
        assert.ok(seen.every((document) => candidates.includes(document)));
      },
    ),
  );
});

test("dynamicNegatives: what is out of range is refused by name", () => {
  assert.throws(
    () => dynamicNegatives([1], () => 0, { count: 2 }),
    /candidates has 1 documents; expected at least 2/,
  );
  assert.throws(() => dynamicNegatives([1], () => 0, { count: 0 }), /count is 0/);
  assert.throws(() => dynamicNegatives([1], () => 0, { count: 1, from: -1 }), /from is -1/);
  const start = dynamicNegatives([1], () => 0, { count: 1 });
  assert.throws(() => replaceEasyNegatives(start, () => 0, { factor: 0 }), /factor is 0/);
  assert.throws(() => replaceEasyNegatives(start, () => 0, { ceiling: 0 }), /ceiling is 0/);
});
