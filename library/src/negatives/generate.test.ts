import assert from "node:assert/strict";
import { test } from "node:test";
import { reverseDictionary, wordnet } from "../data/index.ts";
import { random } from "../random.ts";
import { words } from "../text/index.ts";
import { corpusFreeNegative, type Kind, type Lexicon, wordnetLexicon } from "./index.ts";

const dogs: Kind[] = [
  { words: ["collie"], gloss: "a dog bred to herd sheep", broader: ["dog", "hound"] },
  { words: ["husky"], gloss: "a dog that pulls sledges", broader: ["dog", "hound"] },
  { words: ["pug"], gloss: "small toy", broader: ["dog", "hound"] },
];
const lexicon: Lexicon = (noun) => (noun === "dog" ? dogs : []);

test("corpusFreeNegative writes the card of a sibling that fits the query", () => {
  const write = (query: string, options: object = {}) =>
    corpusFreeNegative(query, lexicon, { random: random(1), among: 1, ...options });
  assert.equal(write("a large dog that pulls sledges"), "husky, dog, hound");
  assert.equal(write("a large dog that pulls sledges", { avoid: ["husky"] }), "collie, dog, hound");
  assert.equal(write("a dog, of the sheep", { avoid: ["Husky", "hound"] }), "collie, dog");
  assert.equal(write("(the dog world) any of several things"), undefined);
  assert.equal(write("any of several things"), undefined);
  assert.equal(write("a dog", { avoid: ["husky", "collie", "pug"] }), undefined);
  assert.throws(() => write("a dog", { among: 0 }), /among is 0/);
});

test("corpusFreeNegative takes the head noun: the last of the first phrase that has kinds", () => {
  const each: Lexicon = (noun) => [{ words: [`small ${noun}`], gloss: "", broader: [] }];
  const write = (query: string) => corpusFreeNegative(query, each, { random: random(1) });
  assert.equal(write("a police dog of the city"), "small dog");
  assert.equal(write("(zoology) dog; the cat"), "small dog");
});

test("corpusFreeNegative draws among the best, the same for the same seed", () => {
  const drawn = new Set(
    Array.from({ length: 40 }, (_, seed) =>
      corpusFreeNegative("a dog that herds", lexicon, { random: random(seed), among: 2 }),
    ),
  );
  assert.equal(drawn.size, 2);
  const again = () => corpusFreeNegative("a dog that herds", lexicon, { random: random(7) });
  assert.equal(again(), again());
});

test("corpusFreeNegative on WordNet: most definitions get a text, never one with a word of the answer", () => {
  const kinds = wordnetLexicon(wordnet(["noun"]));
  const { test: entries } = reverseDictionary({ train: 1, development: 1, test: 300, seed: 3 });
  let written = 0;
  for (const [i, entry] of entries.entries()) {
    const text = corpusFreeNegative(entry.gloss, kinds, { random: random(i), avoid: entry.words });
    if (text === undefined) continue;
    written++;
    assert.notEqual(text, entry.card);
    const own = new Set(entry.words.map((word) => word.toLowerCase()));
    for (const part of text.split(", ")) assert.ok(!own.has(part.toLowerCase()), `${part} in ${text}`);
    assert.ok(words(text).length > 0);
  }
  assert.ok(written > 240, `${written} of 300`);
});

test("wordnetLexicon: plurals, and nouns without kinds", () => {
  const kinds = wordnetLexicon(wordnet(["noun"]));
  const has = (noun: string, word: string) => kinds(noun).some((kind) => kind.words.includes(word));
  assert.ok(has("dog", "poodle") && has("dogs", "poodle"));
  assert.ok(has("cities", "national capital"));
  assert.deepEqual(kinds("qwertz"), []);
});
