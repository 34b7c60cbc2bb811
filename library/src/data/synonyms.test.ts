import assert from "node:assert/strict";
import { test } from "node:test";
import { synonymLists } from "./synonyms.ts";

const vocabulary = ["big", "large", "Small", "little", "dog", "hound", "bank", "rely", "cant", "of"];
const lists = synonymLists(vocabulary);
const wordsOf = (word: string) =>
  Array.from(lists[vocabulary.indexOf(word)]!, (i) => vocabulary[i]!.toLowerCase());

test("words that share a synset are synonyms, in any sense and any case", () => {
  assert.deepEqual(wordsOf("big"), ["large"]);
  assert.deepEqual(wordsOf("Small"), ["little"]);
  assert.deepEqual(wordsOf("bank"), ["rely", "cant"]);
  assert.deepEqual(wordsOf("of"), []);
});

test("being a synonym is mutual, ascending and never of the word itself", () => {
  lists.forEach((list, word) => {
    assert.ok(!list.includes(word));
    assert.deepEqual(list, list.slice().sort());
    for (const synonym of list) assert.ok(lists[synonym]!.includes(word));
  });
});

test("only the parts of speech asked for count, and no word may stand twice", () => {
  assert.equal(synonymLists(["big", "large"], ["noun"])[0]!.length, 0);
  assert.throws(() => synonymLists(["big", "large", "Big"]), /holds "Big" at 0 and 2/);
});
