import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { leaks, matchRatio } from "./index.ts";

test("the ratio is twice the matches over both lengths", () => {
  assert.equal(matchRatio("color", "colour"), 10 / 11);
  assert.equal(matchRatio("kingston", "kingstown"), 16 / 17);
  // difflib, which matches blocks, agrees here.
  assert.equal(matchRatio("abcd", "bcde"), 0.75);
  assert.equal(matchRatio("lyon", "paris"), 0);
  assert.equal(matchRatio("", ""), 1);
  assert.equal(matchRatio("", "x"), 0);
});

test("the ratio is symmetric, and 1 for equal texts alone", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
      const ratio = matchRatio(a, b);
      assert.equal(ratio, matchRatio(b, a));
      assert.ok(ratio >= 0 && ratio <= 1);
      assert.equal(ratio === 1, a === b);
    }),
  );
});

test("case, accents and punctuation do not hide an answer, and others are not it", () => {
  for (const text of ["Paris.", "PARIS", "it is (paris)!", "Pariss"]) assert.ok(leaks(text, "Paris"), text);
  for (const text of ["Lyon", "", "?!", "Parma"]) assert.ok(!leaks(text, "Paris"), text);
  assert.ok(leaks("Bogota", "Bogotá"));
});

test("how alike words must be is the caller's", () => {
  assert.ok(leaks("Kingstown", "Kingston"));
  assert.ok(!leaks("Kingstown", "Kingston", { similarity: 0.95 }));
  // Just as alike as the threshold is not yet alike: abcde and abcdx have 8 of 10.
  assert.ok(!leaks("abcdx", "abcde"));
  assert.ok(leaks("abcdx", "abcde", { similarity: 0.79 }));
});

test("one word of a name is enough unless all are wanted", () => {
  assert.ok(leaks("Port Vila", "Port Louis"));
  assert.ok(!leaks("Port Vila", "Port Louis", { match: "all" }));
  assert.ok(leaks("Louis, Port of", "Port Louis", { match: "all" }));
});

test("further pairs can count as the same", () => {
  const same = (answer: string, word: string) => answer === "4" && word === "four";
  assert.ok(leaks("It is four.", "4", { same }));
  assert.ok(!leaks("It is four.", "4"));
});

test("misuse is named", () => {
  assert.throws(() => leaks("x", " ?"), /answer is " \?"; expected one with at least a word/);
  assert.throws(() => leaks("x", "x", { similarity: 80 }), /similarity is 80; expected 0 to 1/);
  assert.throws(() => leaks("x", "x", { match: "some" as never }), /match is "some"/);
});
