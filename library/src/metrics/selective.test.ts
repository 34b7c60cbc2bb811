import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { aurc, coverageAtPrecision, riskCoverage } from "./index.ts";

const outcomes = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 1 })), {
    minLength: 1,
    maxLength: 30,
  })
  .map((pairs) => ({ scores: pairs.map(([score]) => score), correct: pairs.map(([, c]) => c) }));

test("risk and coverage of a worked example, ties accepted together", () => {
  const { coverage, risk, thresholds } = riskCoverage([0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0]);
  assert.deepEqual([...coverage], [0.25, 0.75, 1]);
  assert.deepEqual([...risk], [0, 1 / 3, 0.5]);
  assert.deepEqual([...thresholds], [0.9, 0.8, 0.1]);
  assert.equal(aurc([0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0]), 0.25 * 0 + 0.5 / 3 + 0.25 * 0.5);
});

test("coverage at precision agrees with trying every threshold", () => {
  fc.assert(
    fc.property(outcomes, fc.integer({ min: 0, max: 20 }), ({ scores, correct }, twentieths) => {
      let best = 0;
      for (const threshold of scores) {
        const accepted = correct.filter((_, i) => scores[i] >= threshold);
        // In whole numbers: right · 20 ≥ precision · 20 · accepted.
        const right = accepted.filter((c) => c === 1).length;
        if (right * 20 >= twentieths * accepted.length) best = Math.max(best, accepted.length);
      }
      assert.equal(coverageAtPrecision(scores, correct, twentieths / 20), best / scores.length);
    }),
  );
});

test("the whole set has the error rate; a perfect order covers all that is right at precision 1", () => {
  fc.assert(
    fc.property(outcomes, ({ scores, correct }) => {
      const right = correct.filter((c) => c === 1).length / correct.length;
      const { coverage, risk } = riskCoverage(scores, correct);
      assert.equal(coverage.at(-1), 1);
      assert.ok(Math.abs(risk.at(-1)! - (1 - right)) < 1e-12);
      assert.equal(coverageAtPrecision(correct, correct, 1), right);
      // No order has a smaller area than the right ones first.
      const first = correct.map((c, i) => c - i / 1000);
      assert.ok(aurc(first, correct) <= aurc(scores, correct) + 1e-12);
      // Constant scores say nothing: the area is the error rate.
      assert.ok(
        Math.abs(
          aurc(
            scores.map(() => 1),
            correct,
          ) -
            (1 - right),
        ) < 1e-12,
      );
    }),
  );
  assert.equal(coverageAtPrecision([3, 2, 1], [0, 0, 1], 0.9), 0);
});

test("errors name what is wrong", () => {
  assert.throws(() => riskCoverage([1], [1, 0]), /scores and correct have 1 and 2 entries/);
  assert.throws(() => aurc([NaN], [1]), /score 0 is NaN/);
  assert.throws(() => aurc([1], [2]), /correct\[0\] is 2; expected 1 or 0/);
  assert.throws(() => coverageAtPrecision([1], [1], 2), /precision is 2; expected 0 to 1/);
});
