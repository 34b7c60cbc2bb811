import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "nearmiss/random";
import { wholeText } from "./corpus.ts";
import type { JudgedQuery } from "./pairs.ts";
import { querySets } from "./query-sets.ts";

const documents = Array.from({ length: 200 }, (_, i) => ({
  id: String(i),
  title: i % 3 === 0 ? `Title of number ${i}` : "",
  text: `First sentence about number ${i}. Second sentence, ${i} again here. Third sentence ends ${i} now.`,
}));
const pairs: JudgedQuery[] = Array.from({ length: 100 }, (_, i) => ({
  text: `query ${i}`,
  grades: new Map([[i, 1]]),
}));
const texts = (queries: readonly JudgedQuery[]) => queries.map(({ text }) => text);

test("pairs are divided by query into parts that share none", () => {
  const { training, validation, heldBack, source } = querySets(documents, { pairs }, random(1));
  assert.equal(source, "pairs");
  assert.deepEqual(
    [training, validation, heldBack].map(({ length }) => length),
    [68, 12, 20],
  );
  const all = [training, validation, heldBack].flatMap(texts);
  assert.equal(new Set(all).size, 100);
});

test("queries that share a document, however indirectly, are in one part", () => {
  // Fifty groups of three: a chain of documents holds each together.
  const chained: JudgedQuery[] = Array.from({ length: 150 }, (_, i) => ({
    text: `query ${i}`,
    grades: new Map([
      [i, 1],
      [i % 3 === 2 ? i : i + 1, 1],
    ]),
  }));
  const { training, validation, heldBack, notes } = querySets(documents, { pairs: chained }, random(2));
  assert.deepEqual(notes, []);
  assert.deepEqual(
    [training, validation, heldBack].map(({ length }) => length),
    [102, 18, 30],
  );
  const owned = (queries: readonly JudgedQuery[]) =>
    new Set(queries.flatMap(({ grades }) => [...grades.keys()]));
  for (const [one, other] of [
    [training, heldBack],
    [training, validation],
    [validation, heldBack],
  ] as const)
    assert.ok([...owned(one)].every((document) => !owned(other).has(document)));
});

test("pairs that all share documents are divided by query, and that is told", () => {
  const one = pairs.map(({ text }) => ({ text, grades: new Map([[7, 1]]) }));
  const { heldBack, notes } = querySets(documents, { pairs: one }, random(1));
  assert.equal(heldBack.length, 20);
  assert.match(
    notes.join(),
    /divided by query alone: held-back queries may ask for documents that training pairs name/,
  );
});

test("judged queries are all held back, and pairs that ask one of them are left out", () => {
  const judged = [{ text: "Query, 7!", grades: new Map([[3, 2]]) }];
  const { training, validation, heldBack, notes } = querySets(documents, { pairs, judged }, random(1));
  assert.deepEqual(heldBack, judged);
  assert.equal(training.length + validation.length, 99);
  assert.ok(!texts([...training, ...validation]).includes("query 7"));
  assert.match(notes.join(), /1 of the pairs ask a judged query/);
});

test("self-made queries leave their documents, which make no training pairs", () => {
  const sets = querySets(documents, {}, random(1));
  assert.equal(sets.heldBack.length, 20);
  assert.deepEqual([sets.training, sets.validation], [[], []]);
  let titles = 0;
  for (const { text, grades } of sets.heldBack) {
    const [own] = [...grades.keys()];
    assert.ok(wholeText(documents[own!]!).includes(text));
    assert.ok(!wholeText(sets.documents[own!]!).includes(text), text);
    assert.ok(wholeText(sets.documents[own!]!).length > 20);
    assert.ok(!sets.ownPairs.includes(own!));
    if (text.startsWith("Title")) titles++;
  }
  assert.ok(titles > 0 && titles < 20);
  assert.equal(sets.ownPairs.length, 180);
});

test("too few pairs, and a corpus that can make none", () => {
  assert.throws(
    () => querySets(documents, { pairs: pairs.slice(0, 19) }, random(1)),
    /19 different queries; expected at least 20/,
  );
  assert.throws(
    () =>
      querySets(
        documents.map(({ id }) => ({ id, title: "", text: "two words" })),
        {},
        random(1),
      ),
    /no pairs can be made: 0 of 200 documents/,
  );
});
