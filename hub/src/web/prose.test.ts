import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plainProse, splitProse } from "./prose.ts";

test("formulas and code are told from text", () => {
  assert.deepEqual(splitProse("Regret grows like $\\sqrt K$, see `ftrl`."), [
    { kind: "text", text: "Regret grows like " },
    { kind: "formula", text: "\\sqrt K" },
    { kind: "text", text: ", see " },
    { kind: "code", text: "ftrl" },
    { kind: "text", text: "." },
  ]);
  assert.equal(plainProse("$O(n)$ and `a`"), "O(n) and a");
});

test("prices and lonely marks stay text", () => {
  for (const text of ["between $5 and $10", "from $5-$10", "one $ only", "a ` b", "", "$$"]) {
    assert.equal(plainProse(text), text);
    assert.ok(splitProse(text).every((part) => part.kind === "text"));
  }
});

test("text without marks comes out as it went in", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/[$`]/.test(text));
      assert.equal(plainProse(text), text);
    }),
  );
});
