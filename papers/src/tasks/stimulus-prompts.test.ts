import assert from "node:assert/strict";
import { test } from "node:test";
import { words } from "nearmiss/text";
import { stimuli, taskWords } from "./stimulus-prompts.ts";

test("sentences of all feelings are equally long, and have equally many words of instructions and items", () => {
  for (const feeling of ["neutral", "positive"] as const)
    stimuli[feeling].forEach((sentence, i) => {
      const [own, negative] = [words(sentence), words(stimuli.negative[i]!)];
      const shared = (list: string[]) => list.filter((word) => taskWords.has(word)).length;
      assert.equal(own.length, negative.length, sentence);
      assert.equal(shared(own), shared(negative), sentence);
    });
});
