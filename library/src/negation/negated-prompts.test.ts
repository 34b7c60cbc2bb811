import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { chanceCorrected, type NegatedPromptItem, negatedPromptScores } from "./negated-prompts.ts";

const options = { random: random(1) };
const near = (a: number, b: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

test("who knows and reads is right on both, and always changes the answer", () => {
  const items = [0, 1, 2].map((gold): NegatedPromptItem => {
    const original = [0, 0, 0].map((_, i) => Number(i === gold));
    return { gold, original, negated: original.map((score) => -score) };
  });
  assert.deepEqual(negatedPromptScores(items, options), {
    original: 1,
    negated: 1,
    average: 1,
    originalCorrected: 1,
    negatedCorrected: 1,
    flipRate: 1,
  });
});

const scores = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 });

test("who does not read the prompt is right on as many negated ones as wrong on original ones, ties or not", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(scores, fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 20 }),
      (drawn) => {
        const items = drawn.map(([same, gold]) => ({ gold, original: same, negated: same }));
        const found = negatedPromptScores(items, options);
        near(found.negated, 1 - found.original);
        near(found.average, 0.5);
        near(found.negatedCorrected, -3 * found.originalCorrected);
        assert.equal(found.flipRate, 0);
      },
    ),
  );
});

test("chance is 1/C and (C − 1)/C, and equal scores are drawn by chance", () => {
  const draw = random(3);
  for (const score of [() => draw.next(), () => 0]) {
    const items = Array.from({ length: 20_000 }, () => ({
      gold: draw.integer(0, 4),
      original: Array.from({ length: 4 }, score),
      negated: Array.from({ length: 4 }, score),
    }));
    const found = negatedPromptScores(items, options);
    near(found.original, 0.25, 0.02);
    near(found.negated, 0.75, 0.02);
    near(found.originalCorrected, 0, 0.03);
    near(found.negatedCorrected, 0, 0.08);
  }
});

test("the order of candidates changes nothing where no two are equal", () => {
  const draw = random(4);
  const items = Array.from({ length: 50 }, (_, i) => ({
    gold: i % 4,
    original: [...draw.uniform(4)],
    negated: [...draw.uniform(4)],
  }));
  const turned = items.map(({ gold, original, negated }) => ({
    gold: 3 - gold,
    original: original.toReversed(),
    negated: negated.toReversed(),
  }));
  assert.deepEqual(negatedPromptScores(items, options), negatedPromptScores(turned, options));
  assert.deepEqual(negatedPromptScores(items, options), negatedPromptScores(items, options));
});

test("above chance", () => {
  assert.equal(chanceCorrected(0.25, 0.25), 0);
  assert.equal(chanceCorrected(1, 0.75), 1);
  near(chanceCorrected(0.5, 0.75), -1);
  assert.throws(() => chanceCorrected(0.5, 1), /chance is 1/);
});

test("bad input is named", () => {
  const item = { gold: 0, original: [1, 2], negated: [1, 2] };
  assert.throws(() => negatedPromptScores([], options), /items is empty/);
  assert.throws(() => negatedPromptScores([{ ...item, gold: 2 }], options), /items\[0\].gold is 2/);
  assert.throws(() => negatedPromptScores([item, { ...item, negated: [1] }], options), /items\[1\] has 2/);
});
