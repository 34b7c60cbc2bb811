import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commonSubsequence } from "./index.ts";

/** Length by the table of Wagner and Fischer. */
function lengthByTable(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const next = [0];
    for (const [j, y] of b.entries()) next.push(x === y ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    row = next;
  }
  return row[b.length]!;
}

test("commonSubsequence: a few by hand", () => {
  const matched = (a: string, b: string) => Array.from(commonSubsequence(a.split(""), b.split("")));
  assert.deepEqual(matched("abc", "bxc"), [-1, 0, 2]);
  assert.deepEqual(matched("abc", "abc"), [0, 1, 2]);
  assert.deepEqual(
    matched("aa", "a").filter((j) => j >= 0),
    [0],
  );
  assert.deepEqual(Array.from(commonSubsequence(["a"], [])), [-1]);
  assert.deepEqual(Array.from(commonSubsequence([], ["a"])), []);
});

test("commonSubsequence: increasing, of equal words, and as long as the table says", () => {
  const words = fc.array(fc.constantFrom(..."abcde"), { maxLength: 25 });
  fc.assert(
    fc.property(words, words, (a, b) => {
      const matched = Array.from(commonSubsequence(a, b));
      const kept = matched.filter((j) => j >= 0);
      for (let k = 1; k < kept.length; k++) assert.ok(kept[k]! > kept[k - 1]!);
      for (const [i, j] of matched.entries()) assert.ok(j < 0 || a[i] === b[j]);
      assert.equal(kept.length, lengthByTable(a, b));
    }),
    { numRuns: 1000 },
  );
});
