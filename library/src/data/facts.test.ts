import assert from "node:assert/strict";
import { test } from "node:test";
import { countryFacts, countryRelations, factSentences, factTemplates } from "./facts.ts";

const objectsOf = (subject: string, relation: string) =>
  countryFacts()
    .filter((fact) => fact.subject === subject && fact.relation === relation)
    .map((fact) => fact.object);

test("known facts, one a capital, border and language", () => {
  assert.deepEqual(objectsOf("France", "capital"), ["Paris"]);
  assert.deepEqual(objectsOf("South Africa", "capital"), ["Pretoria", "Bloemfontein", "Cape Town"]);
  assert.deepEqual(objectsOf("Portugal", "border"), ["Spain"]);
  assert.deepEqual(objectsOf("Switzerland", "language").sort(), [
    "French",
    "Italian",
    "Romansh",
    "Swiss German",
  ]);
  assert.deepEqual(objectsOf("Japan", "currency"), ["Japanese yen"]);
  assert.deepEqual(objectsOf("Chad", "demonym"), ["Chadian"]);
  assert.deepEqual(objectsOf("Antarctica", "capital"), []);
});

test("facts are whole and come once", () => {
  const facts = countryFacts();
  assert.ok(facts.every(({ subject, object }) => subject && object && object !== "undefined"));
  assert.equal(new Set(facts.map((fact) => Object.values(fact).join("\t"))).size, facts.length);
  assert.deepEqual([...new Set(facts.map(({ relation }) => relation))], countryRelations);
  const borders = new Set(
    facts.filter((f) => f.relation === "border").map((f) => `${f.subject}|${f.object}`),
  );
  const oneWay = [...borders].filter((pair) => !borders.has(pair.split("|").reverse().join("|")));
  assert.deepEqual(oneWay, ["Sri Lanka|India"]);
  const few = countryFacts({ relations: ["region"], membersOnly: true });
  assert.ok(few.every(({ relation }) => relation === "region"));
  assert.ok(few.length >= 193 && few.length < 200, `${few.length}`);
  assert.ok(!few.some(({ subject }) => subject === "Greenland"));
});

test("sentences state the fact in each template's words", () => {
  const fact = { subject: "Peru", relation: "capital", object: "$& Lima" } as const;
  assert.equal(factSentences(fact)[0], "The capital of Peru is $& Lima.");
  assert.deepEqual(factSentences(fact, ["{object}, {subject}, {object}"]), ["$& Lima, Peru, $& Lima"]);
  for (const relation of countryRelations) {
    const templates = factTemplates[relation];
    assert.equal(new Set(templates).size, 5);
    assert.ok(templates.every((text) => text.includes("{subject}") && text.includes("{object}")));
    assert.ok(templates.slice(0, 4).every((text) => text.endsWith("{object}.")));
  }
});

test("an unknown relation is named with the known ones", () => {
  assert.throws(() => countryFacts({ relations: ["king" as never] }), /no relation "king"; capital, region/);
});
