import assert from "node:assert/strict";
import { test } from "node:test";
import { publishedTokenizer } from "./index.ts";

const wordPiece = {
  added_tokens: [
    { id: 0, content: "[UNK]", special: true },
    { id: 1, content: "[CLS]", special: true },
    { id: 2, content: "[SEP]", special: true },
  ],
  normalizer: { type: "BertNormalizer", clean_text: true, lowercase: true, strip_accents: null },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: { type: "BertProcessing", cls: ["[CLS]", 1], sep: ["[SEP]", 2] },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: { "[UNK]": 0, "[CLS]": 1, "[SEP]": 2, un: 3, "##want": 4, "##ed": 5, runn: 6, "##ing": 7, ",": 8 },
  },
};

test("publishedTokenizer: WordPiece takes the longest piece first, with special tokens around", async () => {
  const tokenizer = await publishedTokenizer(wordPiece);
  assert.equal(tokenizer.size, 9);
  assert.deepEqual([...tokenizer.encode("UNwanted, running")], [1, 3, 4, 5, 8, 6, 7, 2]);
  assert.deepEqual(tokenizer.pieces("unwanted"), ["[CLS]", "un", "##want", "##ed", "[SEP]"]);
  assert.equal(tokenizer.decode([1, 3, 4, 5, 8, 6, 7, 2]), "unwanted, running");
});

test("publishedTokenizer: without special tokens; unknown words; nothing", async () => {
  const tokenizer = await publishedTokenizer(wordPiece, {}, { special: false });
  assert.deepEqual([...tokenizer.encode("unwanted xyz")], [3, 4, 5, 0]);
  assert.deepEqual([...tokenizer.encode("")], []);
  assert.equal(tokenizer.decode([]), "");
});

test("publishedTokenizer: Unigram takes the most probable cut", async () => {
  const tokenizer = await publishedTokenizer({
    model: {
      type: "Unigram",
      unk_id: 0,
      vocab: [
        ["<unk>", 0],
        ["a", -2],
        ["b", -2],
        ["ab", -3],
        ["abb", -6],
      ],
    },
  });
  // ab + b = −5 beats a + b + b = −6 and abb = −6.
  assert.deepEqual(tokenizer.pieces("abb"), ["ab", "b"]);
});

test("publishedTokenizer: what is no tokenizer, and tokens that do not exist, are refused", async () => {
  await assert.rejects(publishedTokenizer({}), /model\.vocab/);
  const tokenizer = await publishedTokenizer(wordPiece);
  assert.throws(() => tokenizer.decode([9]), /token 9 is not in 0 … 8/);
});
