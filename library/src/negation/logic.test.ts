import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  all,
  and,
  atom,
  equivalent,
  type Formula,
  iff,
  implies,
  isNegation,
  not,
  or,
  render,
  some,
  truthTable,
} from "./logic.ts";

const [A, B] = [atom("A"), atom("B")];

test("a conditional, its negation and its inverse", () => {
  const bits = (formula: Formula) =>
    truthTable(formula, ["A", "B"])
      .map((each) => Number(each))
      .join("");
  assert.equal(bits(implies(A, B)), "1101");
  assert.equal(bits(and(A, not(B))), "0010");
  assert.equal(bits(implies(not(A), not(B))), "1011");
  assert.ok(isNegation(implies(A, B), and(A, not(B))));
  assert.ok(!isNegation(implies(A, B), implies(not(A), not(B))));
  assert.ok(!isNegation(implies(A, B), implies(A, not(B))));
  assert.ok(equivalent(implies(A, B), implies(not(B), not(A))));
  assert.ok(isNegation(iff(A, B), iff(A, not(B))));
  assert.ok(isNegation(or(A, B), and(not(A), not(B))));
});

test("all, some and no", () => {
  assert.ok(!isNegation(all(A), all(not(A))), "both false of a mixed crowd");
  assert.ok(isNegation(all(A), some(not(A))));
  assert.ok(isNegation(some(A), all(not(A))));
  assert.ok(!isNegation(some(A), some(not(A))));
  assert.ok(equivalent(not(some(A)), all(not(A))));
  assert.ok(!equivalent(all(A), A), "a property is no clause");
  assert.ok(isNegation(all(implies(A, B)), some(and(A, not(B)))));
  assert.ok(!equivalent(and(some(A), some(B)), some(and(A, B))));
  assert.ok(equivalent(and(all(A), all(B)), all(and(A, B))));
  // What holds of all holds of one: there is one.
  assert.ok(!isNegation(all(A), all(and(A, not(A)))));
  assert.ok(equivalent(or(all(A), some(A)), some(A)));
});

const formula = fc.letrec<{ any: Formula }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(A, B, atom("C")),
    tie("any").map(not),
    fc
      .tuple(fc.constantFrom(and, or, implies, iff), tie("any"), tie("any"))
      .map(([join, left, right]) => join(left, right)),
  ),
})).any;

test("negation is symmetric, holds of not, and is what makes exclusive or a tautology", () => {
  fc.assert(
    fc.property(formula, formula, (a, b) => {
      assert.ok(isNegation(a, not(a)));
      assert.ok(!isNegation(a, a));
      assert.ok(equivalent(a, not(not(a))));
      assert.equal(isNegation(a, b), isNegation(b, a));
      const exclusive = truthTable(not(iff(a, b)), ["A", "B", "C"]);
      assert.equal(isNegation(a, b), exclusive.every(Boolean));
      assert.equal(isNegation(a, b), equivalent(a, not(b)));
    }),
    { numRuns: 200 },
  );
});

test("in English", () => {
  const lexicon = {
    A: { positive: "ann is tall", negative: "ann is not tall" },
    B: { positive: "bob is late", negative: "bob is not late" },
    P: { positive: "tall", negative: "not tall" },
  };
  const P = atom("P");
  const say = (each: Formula, style: 0 | 1 = 0) => render(each, { lexicon, noun: "bakers", style });
  assert.equal(say(implies(A, not(B))), "if ann is tall then bob is not late");
  assert.equal(say(implies(A, not(B)), 1), "bob is not late if ann is tall");
  assert.equal(say(not(and(A, B))), "it is not the case that both ann is tall and bob is late");
  assert.equal(say(not(or(A, B)), 1), "it is not true that either ann is tall or bob is late");
  assert.equal(say(iff(A, B)), "ann is tall if and only if bob is late");
  assert.equal(say(not(not(A))), "it is not the case that ann is not tall");
  assert.equal(say(all(P)), "all bakers are tall");
  assert.equal(say(all(not(P))), "no bakers are tall");
  assert.equal(say(not(all(P))), "not all bakers are tall");
  assert.equal(say(some(not(P))), "some bakers are not tall");
  assert.throws(() => say(atom("C")), /lexicon has no "C"/);
});

test("bad input is named", () => {
  assert.throws(() => isNegation(all(some(A)), B), /"some" within another/);
  assert.throws(() => truthTable(A, ["B"]), /names is \[B\]/);
  assert.throws(() => truthTable(all(A), ["A"]), /without "all"/);
  const many = Array.from({ length: 11 }, (_, i) => atom(`x${i}`)).reduce(and);
  assert.throws(() => equivalent(many, many), /11 clauses/);
});
