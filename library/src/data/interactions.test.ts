import assert from "node:assert/strict";
import { test } from "node:test";
import { speechInteractions } from "./interactions.ts";

test("passages and their words: parts without overlap, the asked shares, a long tail, repeatable", () => {
  const options = { users: 300, items: 800, seed: 4 };
  const { train, validation, test, names, items } = speechInteractions(options);
  assert.equal(train.length, 300);
  assert.equal(names.length, 800);
  const counts = new Int32Array(items);
  for (const [user, part] of train.entries()) {
    const all = [...part, ...validation[user]!, ...test[user]!];
    assert.equal(new Set(all).size, all.length);
    assert.ok(all.length >= 20 && all.every((item) => item >= 0 && item < items));
    assert.ok(Math.abs(test[user]!.length - 0.2 * all.length) <= 1);
    assert.ok(Math.abs(validation[user]!.length - 0.1 * all.length) <= 1);
    for (const item of part) counts[item]!++;
  }
  const sorted = counts.toSorted();
  assert.ok(sorted.at(-1)! > 3 * sorted[400]!);
  assert.deepEqual(speechInteractions(options).test, test);
  assert.notDeepEqual(speechInteractions({ ...options, seed: 5 }).test, test);
  assert.throws(() => speechInteractions({ ...options, users: 1e6 }), /users 1000000.*expected at most/);
  assert.throws(() => speechInteractions({ ...options, test: 1 }), /shares with a sum below 1/);
});
