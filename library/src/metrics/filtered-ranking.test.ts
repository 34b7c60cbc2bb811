import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { filteredRank } from "./filtered-ranking.ts";
import { relevantRanks } from "./ranking.ts";

test("the best is first, a constant scorer gets the middle of what is left", () => {
  assert.equal(filteredRank([0.1, 0.9, 0.3], 1), 1);
  assert.equal(filteredRank([0.1, 0.9, 0.3], 0), 3);
  // Ten candidates, three other answers: seven are left, the middle is 4.
  assert.equal(filteredRank(Array(10).fill(0.5), 4, [1, 2, 3]), 4);
  assert.equal(filteredRank([0.1, 0.9, 0.3], 0, [0, 1]), 2);
  assert.throws(() => filteredRank([1, 2], 2), /target is 2; expected 0 to 1/);
  assert.throws(() => filteredRank([1, 2], 0, [5]), /known holds 5/);
  assert.throws(() => filteredRank([Number.NaN, 2], 0), /NaN/);
});

test("it is the rank among the candidates that are left", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.nat()),
      fc.nat(),
      (scores, others, at) => {
        const target = at % scores.length;
        const known = others.map((other) => other % scores.length);
        const left = scores.flatMap((score, i) => (known.includes(i) && i !== target ? [] : [{ score, i }]));
        const [expected] = relevantRanks(
          left.map(({ score }) => score),
          [left.findIndex(({ i }) => i === target)],
        );
        assert.equal(filteredRank(scores, target, known), expected);
      },
    ),
  );
});
