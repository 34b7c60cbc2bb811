import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mobyDick } from "../data/texts.ts";
import { bpeTokenizer, piecesOf, trainBpe } from "./bpe.ts";

/** Algorithm 1 of Sennrich et al. as it is written: count all pairs anew before each merge. */
function naiveMerges(texts: string[], count: number, minCount: number): [number, number][] {
  let rows = texts.flatMap((text) => piecesOf(text).map((piece) => [...new TextEncoder().encode(piece)]));
  const merges: [number, number][] = [];
  while (merges.length < count) {
    const counts = new Map<string, number>();
    for (const row of rows)
      for (let i = 1; i < row.length; i++) {
        const pair = `${row[i - 1]} ${row[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    const [best] = [...counts]
      .map(([pair, count]) => ({ pair: pair.split(" ").map(Number) as [number, number], count }))
      .sort((a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1]);
    if (!best || best.count < minCount) break;
    const merged = 256 + merges.length;
    merges.push(best.pair);
    rows = rows.map((row) => {
      const out: number[] = [];
      for (const token of row) {
        if (out.at(-1) === best.pair[0] && token === best.pair[1]) out[out.length - 1] = merged;
        else out.push(token);
      }
      return out;
    });
  }
  return merges;
}

test("learns the merges of the plain algorithm (random texts)", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c", " ", "é", "1", "."), maxLength: 60 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), fc.integer({ min: 1, max: 4 }), (texts, minCount) => {
      const { merges } = trainBpe(texts, { size: 286, minCount });
      assert.deepEqual(merges, naiveMerges(texts, 30, minCount));
      assert.deepEqual(trainBpe(texts.toReversed(), { size: 286, minCount }).merges, merges);
    }),
  );
});

test("by hand: the most frequent pair first, then pairs of its token", () => {
  const [a, b, c] = [97, 98, 99];
  assert.deepEqual(trainBpe(["abab abc"], { size: 300 }).merges, [[a, b]]);
  assert.deepEqual(trainBpe(["abc abc xabc"], { size: 300 }).merges.slice(0, 2), [
    [a, b],
    [256, c],
  ]);
});

test("every text comes back, whatever the training text was", () => {
  const { encode, decode, size } = bpeTokenizer(trainBpe([mobyDick()[3].text], { size: 600 }));
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const tokens = encode(text);
      assert.equal(decode(tokens), text);
      assert.ok(tokens.every((token) => token < size));
    }),
  );
  assert.equal(decode(encode("\ufeff  naïve\n\n 東京 1234 don’t  ")), "\ufeff  naïve\n\n 東京 1234 don’t  ");
});

test("pieces join to the text; words take the space before them", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => assert.equal(piecesOf(text).join(""), text)),
  );
  assert.deepEqual(piecesOf("I don't  know,\n 12345!"), [
    "I",
    " don't",
    " ",
    " know",
    ",",
    "\n",
    " 123",
    "45",
    "!",
  ]);
});

test("a model goes through JSON; special tokens come last and are no text", () => {
  const model = trainBpe(["low lower lowest"], { size: 260, special: ["<end>", "<pad>"] });
  assert.equal(model.merges.length, 2);
  const tokenizer = bpeTokenizer(JSON.parse(JSON.stringify(model)));
  assert.equal(tokenizer.size, 260);
  assert.deepEqual(tokenizer.special, { "<end>": 258, "<pad>": 259 });
  assert.deepEqual([...tokenizer.encode("low")], [257]);
  assert.ok(tokenizer.encode("<end>").every((token) => token < 258));
  assert.equal(tokenizer.decode([257, 258, 259]), "low");
});

test("1.2 MB of English train in seconds, and compress to less than a third", () => {
  const texts = mobyDick().map(({ text }) => text);
  const characters = texts.join("").length;
  const start = performance.now();
  const tokenizer = bpeTokenizer(trainBpe(texts, { size: 4000 }));
  const seconds = (performance.now() - start) / 1000;
  assert.equal(tokenizer.size, 4000);
  assert.ok(seconds < 10, `${seconds} s for ${characters} characters`);
  const tokens = texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0);
  assert.ok(tokens < characters / 3, `${tokens} tokens for ${characters} characters`);
});

test("a long run without spaces stays feasible", () => {
  const { encode, decode } = bpeTokenizer(trainBpe(["aaaa aaaaaaaa"], { size: 300 }));
  const text = "a".repeat(200_000);
  assert.equal(decode(encode(text)), text);
});

test("refuses sizes, models and tokens that are none", () => {
  assert.throws(() => trainBpe([], { size: 255 }), /size 255 must be an integer of at least 256/);
  assert.throws(() => trainBpe([], { size: 300, special: ["x", "x"] }), /has a name twice/);
  const model = (...merges: [number, number][]) => ({ kind: "byte-level-bpe" as const, merges, special: [] });
  assert.throws(() => bpeTokenizer(model([256, 1])), /merge 0 is of \[256, 1\], tokens below 256 are known/);
  assert.throws(() => bpeTokenizer(model([1, 2], [1, 2])), /merge 1 of \[1, 2\] is there twice/);
  assert.throws(() => bpeTokenizer({} as never), /must have kind/);
  assert.throws(() => bpeTokenizer(model()).decode([256]), /token 0 is 256, outside 0 to 255/);
});
