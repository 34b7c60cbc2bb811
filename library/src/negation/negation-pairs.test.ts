import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { negationPairs, notParityRule, sentenceKinds, tokenOverlapRule } from "./negation-pairs.ts";

const pairs = negationPairs({ count: 360, random: random(1) });

test("360 pairs, half of them negations, none twice, the same for a seed", () => {
  assert.equal(pairs.length, 360);
  assert.equal(pairs.filter(({ isNegation }) => isNegation).length, 180);
  assert.equal(new Set(pairs.map(({ first, second }) => `${first} | ${second}`)).size, 360);
  assert.deepEqual(pairs, negationPairs({ count: 360, random: random(1) }));
  assert.notDeepEqual(pairs, negationPairs({ count: 360, random: random(2) }));
  for (const kind of sentenceKinds) assert.equal(pairs.filter((pair) => pair.kind === kind).length, 60);
});

test("the number of negation words says nothing, in all and within a kind", () => {
  for (const kind of sentenceKinds) {
    const own = pairs.filter((pair) => pair.kind === kind);
    assert.equal(own.filter((pair) => notParityRule(pair) === pair.isNegation).length, own.length / 2);
    assert.ok(own.some(notParityRule), `${kind} has odd pairs`);
  }
  const right = pairs.filter((pair) => tokenOverlapRule(pair) === pair.isNegation).length;
  assert.ok(right > 180 && right < 270, `shared words say something, but not all: ${right}`);
});

test("every change is there, with the label that logic gives it", () => {
  const labels = new Map<string, Set<boolean>>();
  for (const { kind, change, isNegation } of [
    ...negationPairs({ count: 1200, random: random(3) }),
    ...negationPairs({ count: 1200, random: random(4), balanced: false }),
  ]) {
    const key = `${kind}: ${change}`;
    labels.set(key, (labels.get(key) ?? new Set()).add(isNegation));
  }
  for (const [key, found] of labels) assert.equal(found.size, 1, key);
  const of = (key: string) => [...(labels.get(key) ?? [])][0];
  assert.equal(of("atomic: double negation"), false);
  assert.equal(of("conditional: counterexample"), true);
  assert.equal(of("conditional: negated disjunction"), true);
  assert.equal(of("biconditional: exactly one"), true);
  for (const change of ["inverse", "inner negation", "contrapositive", "converse"])
    assert.equal(of(`conditional: ${change}`), false, change);
  assert.equal(of("quantified: dual"), true);
  assert.equal(of("quantified: contrary"), false);
  assert.equal(of("biconditional: one part"), true);
  assert.equal(of("biconditional: one direction"), false);
  assert.equal(of("conjunction: De Morgan"), true);
  assert.equal(of("conjunction: both parts"), false);
});

test("the traps of conditionals are among balanced pairs, each in both numbers of negation words where logic allows", () => {
  const conditionals = negationPairs({ count: 400, random: random(5), kinds: ["conditional"] });
  const changes = new Set(conditionals.map(({ change }) => change));
  for (const change of ["inverse", "inner negation", "contrapositive", "converse"])
    assert.ok(changes.has(change), change);
  assert.equal(new Set(conditionals.map(notParityRule)).size, 2);
  const free = negationPairs({ count: 400, random: random(5), balanced: false });
  const right = free.filter((pair) => notParityRule(pair) === pair.isNegation).length;
  assert.ok(right > 240, `unbalanced, counting negation words helps: ${right}`);
});

test("rules by hand", () => {
  const pair = (first: string, second: string) => ({ first, second });
  assert.equal(notParityRule(pair("ann is tall", "ann is not tall")), true);
  assert.equal(notParityRule(pair("no bakers are tall", "not all bakers are tall")), false);
  assert.equal(tokenOverlapRule(pair("ann is tall", "ann is not tall")), true);
  assert.equal(tokenOverlapRule(pair("ann is tall", "bob is not late")), false);
  assert.equal(tokenOverlapRule(pair("ann is tall", "bob is not late"), { threshold: 0.1 }), true);
});

test("chosen kinds and changes, and bad input", () => {
  const some = negationPairs({
    count: 20,
    random: random(4),
    kinds: ["conditional"],
    changes: (change) => ["outer negation", "other clause"].includes(change),
  });
  assert.ok(some.every(({ kind }) => kind === "conditional"));
  assert.deepEqual(new Set(some.map(({ change }) => change)), new Set(["outer negation", "other clause"]));
  assert.throws(() => negationPairs({ count: 3, random: random(1) }), /count is 3/);
  assert.throws(
    () => negationPairs({ count: 2, random: random(1), changes: () => false }),
    /changes leaves no new negation of kind atomic/,
  );
});
