import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byteTokenizer, characterTokenizer } from "./tokenizers.ts";

test("bytes: UTF-8, and back", () => {
  const { encode, decode, size } = byteTokenizer();
  assert.equal(size, 256);
  assert.deepEqual([...encode("aé")], [97, 0xc3, 0xa9]);
  assert.equal(decode([0xc3, 97]), "\ufffda");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => assert.equal(decode(encode(text)), text)));
  assert.equal(decode(encode("\ufeffx")), "\ufeffx");
  assert.throws(() => decode([256]), /token 0 is 256, outside 0 to 255/);
});

test("characters: code points in order, rare ones unknown", () => {
  const tokenizer = characterTokenizer(["bab😀", "b\u{1f600}c"], { minCount: 2 });
  assert.deepEqual(tokenizer.characters, ["", "\ufffd", "b", "😀"]);
  assert.deepEqual([...tokenizer.encode("b😀ax")], [2, 3, 1, 1]);
  assert.equal(tokenizer.decode([2, 0, 3, 1]), "b😀\ufffd");
  assert.throws(() => tokenizer.decode([1, 4]), /token 1 is 4, outside 0 to 3/);
  const all = characterTokenizer(["hello"]);
  assert.equal(all.decode(all.encode("hello")), "hello");
  assert.deepEqual(all.characters.slice(2), ["e", "h", "l", "o"]);
});
