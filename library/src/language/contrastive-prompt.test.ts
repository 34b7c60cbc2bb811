import assert from "node:assert/strict";
import { test } from "node:test";
import { contrastivePrompt } from "./index.ts";

const marks = { input: ["Q"], good: ["+"], bad: ["-"], analysis: ["why?"], answer: ["A"] };
const examples = [
  { input: ["q1"], good: ["g1", "g1"], bad: ["b1"] },
  { input: ["q2"], good: ["g2"], bad: ["b2"] },
];
const input = ["q"];

test("contrastivePrompt: examples in order, good before bad, then the question", () => {
  assert.deepEqual(
    contrastivePrompt({ examples, input, marks }),
    "Q q1 + g1 g1 - b1 Q q2 + g2 - b2 Q q A".split(" "),
  );
  assert.equal(contrastivePrompt({ examples, input, marks, analysis: true }).at(-1), "why?");
});

test("contrastivePrompt: without bad answers it is few-shot, without examples zero-shot, with analysis or not", () => {
  const positives = examples.map(({ input: question, good }) => ({ input: question, good }));
  for (const analysis of [false, true]) {
    assert.deepEqual(
      contrastivePrompt({ examples: positives, input, marks, analysis }),
      "Q q1 + g1 g1 Q q2 + g2 Q q A".split(" "),
    );
    assert.deepEqual(contrastivePrompt({ examples: [], input, marks, analysis }), ["Q", "q", "A"]);
  }
});

test("contrastivePrompt: tokens are as good as words", () => {
  const numbers = { input: [0], good: [1], bad: [2], analysis: [3], answer: [4] };
  const one = { input: [], good: [7, 8], bad: [9] };
  assert.deepEqual(
    contrastivePrompt({ examples: [one], input: [6], marks: numbers }),
    [0, 1, 7, 8, 2, 9, 0, 6, 4],
  );
});
