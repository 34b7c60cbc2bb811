import assert from "node:assert/strict";
import { test } from "node:test";
import { hash32 } from "./hash.ts";

// Expected values: the reference implementation's published test vectors.
const vectors: [string, number, number][] = [
  ["", 0, 0],
  ["", 1, 0x514e28b7],
  ["", 0xffffffff, 0x81f16f39],
  ["test", 0, 0xba6bd213],
  ["test", 0x9747b28c, 0x704b81dc],
  ["Hello, world!", 0, 0xc0363e43],
  ["Hello, world!", 0x9747b28c, 0x24884cba],
  ["The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723],
  ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
  ["aaaa", 0x9747b28c, 0x5a97808a],
  ["aaa", 0x9747b28c, 0x283e0130],
  ["aa", 0x9747b28c, 0x5d211726],
  ["a", 0x9747b28c, 0x7fa09ea6],
];

test("agrees with the reference vectors of MurmurHash3 x86 32", () => {
  for (const [text, seed, expected] of vectors) assert.equal(hash32(text, seed), expected, text);
});

test("hashes UTF-8 bytes: a non-ASCII text", () => {
  assert.equal(hash32("ππππππππ", 0x9747b28c), 0xd58063c1);
});

test("long texts grow the buffer and short ones after them are not disturbed", () => {
  const before = hash32("word");
  hash32("x".repeat(100_000));
  assert.equal(hash32("word"), before);
});

test("fills 256 buckets evenly (chi-square below its 0.999 quantile)", () => {
  const counts = new Float64Array(256);
  for (let i = 0; i < 100_000; i++) counts[hash32(`word${i}`) % 256]++;
  const expected = 100_000 / 256;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert.ok(chiSquare < 330.5, `chi-square ${chiSquare}`);
});
