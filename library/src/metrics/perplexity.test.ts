import assert from "node:assert/strict";
import { test } from "node:test";
import { bitsPerByte, perplexity } from "./perplexity.ts";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12 * expected, `${actual} for ${expected}`);

test("a uniform model over k tokens has perplexity k", () => {
  for (const k of [1, 2, 50_000]) near(perplexity(new Array(7).fill(-Math.log(k))), k);
});

test("by hand: the geometric mean of 1/p", () => {
  const logs = [1 / 2, 1 / 4, 1 / 8].map(Math.log);
  near(perplexity(logs), 4);
  near(bitsPerByte(logs, 12), 0.5);
  assert.equal(perplexity([-1, Number.NEGATIVE_INFINITY]), Number.POSITIVE_INFINITY);
});

test("masked tokens change nothing, whatever they hold", () => {
  const mask = [1, 0, 1, 0];
  near(perplexity([Math.log(1 / 2), Number.NaN, Math.log(1 / 8), 5], { mask }), 4);
  near(bitsPerByte([Math.log(1 / 2), Number.NaN, Math.log(1 / 8), 5], 2, { mask }), 2);
});

test("bad arguments are named", () => {
  assert.throws(() => perplexity([]), /no token/);
  assert.throws(() => perplexity([-1, 0.5]), /log-probability 1 is 0.5/);
  assert.throws(() => perplexity([Number.NaN]), /log-probability 0 is NaN/);
  assert.throws(() => perplexity([-1], { mask: [1, 1] }), /mask has 2 entries for 1 tokens/);
  assert.throws(() => perplexity([-1], { mask: [0.5] }), /mask 0 is 0.5/);
  assert.throws(() => bitsPerByte([-1], 0), /bytes 0 must be above 0/);
});
