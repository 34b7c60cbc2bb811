import assert from "node:assert/strict";
import { test } from "node:test";
import { vocabulary } from "./vocabulary.ts";

const texts = ["the cat sat", "The dog sat.", "a cat"];

test("orders words by count, then alphabetically, after padding and unknown", () => {
  const built = vocabulary(texts);
  assert.deepEqual(built.words, ["<padding>", "<unknown>", "cat", "sat", "the", "a", "dog"]);
  assert.deepEqual([...built.counts], [0, 0, 2, 2, 2, 1, 1]);
  assert.equal(built.size, 7);
  assert.deepEqual(vocabulary([...texts].reverse()).words, built.words);
});

test("minCount and size leave words out, which then count as unknown", () => {
  const frequent = vocabulary(texts, { minCount: 2 });
  assert.deepEqual(frequent.words.slice(2), ["cat", "sat", "the"]);
  assert.equal(frequent.counts[1], 2);
  assert.equal(frequent.index("dog"), 1);
  assert.deepEqual(vocabulary(texts, { size: 3 }).words, ["<padding>", "<unknown>", "cat"]);
  assert.throws(() => vocabulary(texts, { size: 1 }), /size 1 must be at least 2/);
});

test("encodes to rows of equal length: cut, padded, unknown words as 1", () => {
  const built = vocabulary(texts);
  const encoded = built.encode(["cat bird", "the cat sat dog", ""], 3);
  assert.deepEqual([...encoded.indices], [2, 1, 0, 4, 2, 3, 0, 0, 0]);
  assert.deepEqual([...encoded.lengths], [2, 3, 0]);
  assert.equal(built.encode(["cat", "the cat sat dog"]).length, 4);
  assert.deepEqual([...built.encode([]).indices], []);
});

test("words that name object properties are ordinary words", () => {
  const built = vocabulary(["constructor __proto__ toString"], { tokenize: (text) => text.split(" ") });
  assert.equal(built.size, 5);
  assert.equal(built.index("hasOwnProperty"), 1);
});
