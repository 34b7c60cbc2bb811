import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "nearmiss/random";
import { chat, informative } from "./chat.ts";
import { explainedFacts, relations } from "./explained-facts.ts";
import { guardedFacts } from "./guarded-facts.ts";
import { noisySpelling } from "./noisy-spelling.ts";
import { wordedFacts, wordTokens } from "./worded-facts.ts";

test("facts are complete, of one word each, and name no country as its own object", () => {
  const facts = wordedFacts(500, relations, random(1));
  assert.ok(facts.size > 150);
  for (const [subject, own] of facts) {
    assert.equal(own.size, relations.length);
    for (const object of own.values()) {
      assert.ok(!object.includes(" ") && object !== "", object);
      assert.notEqual(object, subject);
    }
  }
  assert.deepEqual([...wordedFacts(5, relations, random(1)).keys()], [...facts.keys()].slice(0, 5));
});

test("words keep their numbers", () => {
  const { encode, names } = wordTokens(["<padding>", "<end>"]);
  assert.deepEqual(encode("a b a"), [2, 3, 2]);
  assert.deepEqual(encode("b <end> c"), [3, 1, 4]);
  assert.deepEqual(names, ["<padding>", "<end>", "a", "b", "c"]);
});

test("alignment never asks for what the attack asks for", async () => {
  const size = { countries: 12, tuned: 6, layers: 1, width: 8, pretraining: 1, guarding: 1, refusals: 0.3 };
  const task = await guardedFacts(size, 1);
  const secrets = new Set(task.attacks.standard.map(({ response }) => response[0]));
  assert.equal(secrets.size, 6);
  const draw = random(2);
  for (let i = 0; i < 200; i++) assert.ok(!secrets.has(task.harmful(draw).response[0]));
  // The three ways of asking want the same capitals, and each names the country.
  for (const examples of Object.values(task.attacks))
    examples.forEach(({ response }, i) => {
      assert.equal(response[0], task.attacks.standard[i]!.response[0]);
    });
});

test("a question in the wording that was not taught differs from all that were", async () => {
  const world = await explainedFacts({ countries: 10, layers: 1, width: 8, pretraining: 1 }, 1);
  for (const subject of world.facts.keys())
    for (const relation of relations) {
      const texts = [0, 1, 2, 3].map((wording) => world.question(subject, relation, wording));
      assert.equal(new Set(texts).size, 4);
      for (const text of texts) {
        assert.ok(text.split(" ").includes(subject) || text.includes(`${subject}`), text);
        assert.ok(!text.includes("{"), text);
      }
      assert.ok([0, 1, 2, 3].includes(world.unseen(subject, relation)));
    }
});

test("chat asks no question of the test, and answers as often as told", () => {
  const size = { countries: 16, layers: 1, width: 8, pairs: 2000, answered: 0.45 };
  const { pairs, test: held, decode } = chat(size, 1);
  const asked = new Set(pairs.map(({ query }) => query));
  for (const { prompt } of held) assert.ok(!asked.has(decode(prompt)));
  const share = pairs.filter(({ response }) => informative(response)).length / pairs.length;
  assert.ok(Math.abs(share - 0.45) < 0.04, String(share));
  for (const { example, response } of pairs.slice(0, 50)) assert.equal(decode(example.response), response);
});

test("wrong phonemes are wrong, in the share that was asked for, and right ones right", async () => {
  const size = {
    layers: 1,
    width: 8,
    known: 20,
    pretraining: 1,
    reference: 100,
    main: 300,
    test: 20,
    wrong: 0.3,
  };
  const clean = await noisySpelling({ ...size, wrong: 0 }, 1);
  const noisy = await noisySpelling(size, 1);
  const flags = noisy.main.flatMap(({ wrong }) => wrong);
  const share = flags.filter(Boolean).length / flags.length;
  assert.ok(Math.abs(share - 0.3) < 0.05, String(share));
  noisy.main.forEach(({ letters, phonemes, wrong }, i) => {
    assert.deepEqual(letters, clean.main[i]!.letters);
    phonemes.forEach((phoneme, j) => {
      assert.equal(phoneme !== clean.main[i]!.phonemes[j], wrong[j]);
    });
  });
});
