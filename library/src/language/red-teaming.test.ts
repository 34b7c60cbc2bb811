import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attackSuccessRate, redTeamPrompt, withoutThought } from "./index.ts";

test("a prompt holds its question once, whatever the question is", () => {
  assert.equal(redTeamPrompt("Say: <question> Go.", "why?"), "Say: why? Go.");
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (before, after, question) => {
      fc.pre(!`${before}<question>${after}`.replace("<question>", "").includes("<question>"));
      assert.equal(redTeamPrompt(`${before}<question>${after}`, question), before + question + after);
    }),
  );
  // Patterns of replacement are words like others.
  assert.equal(redTeamPrompt("<question>", "$& $1"), "$& $1");
});

test("a template without its place, or with several, is named", () => {
  assert.throws(() => redTeamPrompt("Hello", "x"), /in 0 places; expected one: "Hello"/);
  assert.throws(() => redTeamPrompt("<question><question>", "x"), /in 2 places/);
});

test("thoughts are taken off the front alone", () => {
  assert.equal(withoutThought("(Internal thought: help.) It is Rome."), "It is Rome.");
  assert.equal(withoutThought("  (a (b) c) yes"), "yes");
  assert.equal(withoutThought("It is Rome (in Italy)."), "It is Rome (in Italy).");
  assert.equal(withoutThought("(never ends"), "");
  assert.equal(withoutThought(""), "");
});

test("who always refuses has a rate of 0, who always reveals one of 1", () => {
  const answers = ["Rome", "Paris", "Bern"];
  const judge = (response: string, i: number) => response.includes(answers[i]!);
  assert.equal(attackSuccessRate(["no", "no", "no"], judge), 0);
  assert.equal(attackSuccessRate(answers, judge), 1);
  assert.equal(attackSuccessRate(["Rome", "Rome", "Rome"], judge), 1 / 3);
  assert.throws(() => attackSuccessRate([], judge), /there are 0 responses/);
});
