import assert from "node:assert/strict";
import { test } from "node:test";
import { inSentence, names } from "./names.ts";

test("inSentence: words after a word or a comma, with what is beside them", () => {
  assert.deepEqual(
    inSentence("Call me Ishmael. Some years ago, I said, Queequeg’s harpoon").map(
      ({ word, before, after, capitalised }) => [before, word, after, capitalised],
    ),
    [
      ["call", "me", "ishmael", false],
      ["me", "ishmael", ".", true],
      ["some", "years", "ago", false],
      ["years", "ago", ",", false],
      ["i", "said", ",", false],
      [",", "queequeg’s", "harpoon", true],
      ["queequeg’s", "harpoon", "", false],
    ],
  );
});

test("names are few, and equal seeds give equal words", () => {
  const size = { train: 3000, validation: 500, test: 500, seed: 1 };
  const { train, inputs } = names(size);
  assert.equal(train.x.length, 3000 * inputs);
  const share = train.labels.reduce((a, b) => a + b) / 3000;
  assert.ok(share > 0.02 && share < 0.15, `${share}`);
});
