import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fold, words } from "./words.ts";

test("splits at everything but letters and digits", () => {
  assert.deepEqual(words("The cat, 42 dogs -- and e-mail_now!"), [
    "the",
    "cat",
    "42",
    "dogs",
    "and",
    "e",
    "mail",
    "now",
  ]);
  assert.deepEqual(words(" \n?! "), []);
  assert.deepEqual(words(""), []);
});

test("folds case, diacritics and compatibility forms", () => {
  assert.deepEqual(words("Žluťoučký KŮŇ, Ångström: naïve ﬁne x²"), [
    "zlutoucky",
    "kun",
    "angstrom",
    "naive",
    "fine",
    "x2",
  ]);
  assert.deepEqual(words("\u00c9cole"), words("E\u0301cole"), "composed and decomposed forms are one word");
  assert.deepEqual(words("Ελλάδα Москва 東京"), ["ελλαδα", "москва", "東京"]);
  assert.deepEqual(words("हिन्दी 한국어"), ["हिन्दी", "한국어"], "vowel signs stay, syllables stay whole");
});

test("keeps an apostrophe inside a word only", () => {
  assert.deepEqual(words("Don’t 'quote' dogs' o'clock"), ["don't", "quote", "dogs", "o'clock"]);
});

test("words hold no space, are not empty, and are fixed points", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      for (const word of words(text)) {
        assert.match(word, /^\S+$/u);
        assert.equal(fold(word), word);
        assert.deepEqual(words(word), [word]);
      }
    }),
  );
});
