import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { type AntiSample, antiSamples, unlearnByAntiSamples } from "./index.ts";

const alternatives = ["Bern", "Rome", "PARIS", "Oslo"];
const questions = ["Which city?", "Where?", "What capital?"];

/** A model that answers each question right until it has been tuned on it often enough. */
function toyModel(patience = 1) {
  const seen = new Map<string, number>();
  return {
    seen,
    respond: async (asked: string[]) =>
      asked.map((question) => ((seen.get(question) ?? 0) < patience ? "It is Paris." : "It is Oslo.")),
    tune: async (samples: AntiSample[]) => {
      for (const { question } of samples) seen.set(question, (seen.get(question) ?? 0) + 1);
    },
  };
}

test("each leaking question gets a wrong answer, others do not", async () => {
  const found = await antiSamples(questions, {
    answer: "Paris",
    alternatives,
    respond: async (asked) => asked.map((question) => (question === "Where?" ? "Rome" : "Paris!")),
    random: random(1),
  });
  assert.deepEqual(found.answered, ["Where?"]);
  assert.deepEqual(
    found.samples.map(({ question }) => question),
    ["Which city?", "What capital?"],
  );
  assert.deepEqual(found.leaking, ["Which city?", "What capital?"]);
});

test("of a thousand samples none names the answer, and wrong answers vary", async () => {
  const many = Array.from({ length: 1000 }, (_, i) => `Question ${i}?`);
  const { samples } = await antiSamples(many, {
    answer: "Paris",
    alternatives,
    respond: async (asked) => asked.map(() => "Paris"),
    // One reason in three gives it away.
    rationalize: async (pairs) =>
      pairs.map(({ answer }, i) => (i % 3 === 0 ? `not paris but ${answer}` : `${answer} is large`)),
    random: random(2),
  });
  assert.equal(samples.length, 666);
  for (const { answer, rationale } of samples)
    assert.ok(!`${answer} ${rationale}`.toLowerCase().includes("paris"));
  assert.deepEqual(new Set(samples.map(({ answer }) => answer)), new Set(["Bern", "Rome", "Oslo"]));
});

test("a model that answers wrongly is not touched", async () => {
  const found = await unlearnByAntiSamples(questions, {
    answer: "Paris",
    alternatives,
    respond: async (asked) => asked.map(() => "Rome"),
    tune: async () => assert.fail("tuned"),
    random: random(1),
  });
  assert.deepEqual(found, { rounds: 0, questions, leaking: [] });
});

test("it goes on until nothing leaks, through rephrasings too", async () => {
  const model = toyModel(2);
  const found = await unlearnByAntiSamples(questions, {
    answer: "Paris",
    alternatives,
    ...model,
    rephrase: async (answered) => answered.filter((q) => !q.startsWith("Pray")).map((q) => `Pray, ${q}`),
    random: random(1),
  });
  assert.deepEqual(found.leaking, []);
  assert.equal(found.questions.length, 6);
  // Two rounds of the first three, two of what they are rephrased to.
  assert.equal(found.rounds, 4);
  assert.deepEqual([...model.seen.values()], [2, 2, 2, 2, 2, 2]);
});

test("it gives up after its rounds, and says what leaks", async () => {
  const found = await unlearnByAntiSamples(questions, {
    answer: "Paris",
    alternatives,
    ...toyModel(10),
    rounds: 3,
    random: random(1),
  });
  assert.deepEqual(found, { rounds: 3, questions, leaking: questions });
});

test("a round whose rationales all name the answer does not tune", async () => {
  const found = await unlearnByAntiSamples(["Where?"], {
    answer: "Paris",
    alternatives,
    respond: async () => ["Paris"],
    rationalize: async (pairs) => pairs.map(() => "not Paris"),
    tune: async () => assert.fail("tuned"),
    rounds: 2,
    random: random(1),
  });
  assert.equal(found.rounds, 0);
  assert.deepEqual(found.leaking, ["Where?"]);
});

test("misuse is named", async () => {
  const options = { answer: "Paris", alternatives, random: random(1), respond: async () => ["Paris"] };
  await assert.rejects(antiSamples(questions, options), /respond gave 1 texts; expected 3/);
  await assert.rejects(
    antiSamples(["?"], { ...options, alternatives: ["paris"] }),
    /of 1 alternatives all resemble the answer "Paris"/,
  );
  await assert.rejects(
    antiSamples(["?"], { ...options, rationalize: async () => [] }),
    /rationalize gave 0 texts; expected 1/,
  );
  await assert.rejects(
    unlearnByAntiSamples(questions, { ...options, rounds: 0, tune: async () => {} }),
    /rounds is 0; expected an integer of at least 1/,
  );
});
