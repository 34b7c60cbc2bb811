import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import {
  countryGraph,
  type KnowledgeGraph,
  splitTriples,
  withInverses,
  wordnetGraph,
} from "./knowledge-graph.ts";

/** No fact twice, no fact with its head as its tail, every number in range. */
function check({ entities, texts, relations, triples }: KnowledgeGraph) {
  assert.equal(texts.length, entities.length);
  assert.equal(new Set(triples.map((triple) => triple.join())).size, triples.length);
  for (const [head, relation, tail] of triples) {
    assert.ok(head !== tail && entities[head] !== undefined && entities[tail] !== undefined);
    assert.ok(relations[relation] !== undefined);
  }
}

test("a part of WordNet: enough facts of everything, nothing given away by an inverse", () => {
  const graph = wordnetGraph({ entities: 1500, seed: 3 });
  check(graph);
  const { entities, relations, triples } = graph;
  assert.ok(entities.length > 200 && entities.length <= 1500, `${entities.length}`);
  assert.ok(relations.includes("hypernym") && !relations.includes("hyponym"));
  const degrees = new Int32Array(entities.length);
  for (const [head, , tail] of triples) {
    degrees[head]!++;
    degrees[tail]!++;
  }
  assert.ok(degrees.every((degree) => degree >= 2));
  const keys = new Set(triples.map((triple) => triple.join()));
  assert.ok(triples.every(([head, relation, tail]) => !keys.has([tail, relation, head].join())));
  assert.deepEqual(wordnetGraph({ entities: 1500, seed: 3 }), graph);
  assert.notDeepEqual(wordnetGraph({ entities: 1500, seed: 4 }).entities, entities);
  assert.throws(() => wordnetGraph({ entities: 1, seed: 1 }), /entities is 1/);
  assert.throws(() => wordnetGraph({ entities: 9, seed: 1, supersense: "x" }), /supersense is "x"/);
});

test("countries: known facts are there", () => {
  const graph = countryGraph();
  check(graph);
  const { entities, relations, triples } = graph;
  const facts = triples.map(([h, r, t]) => `${entities[h]} ${relations[r]} ${entities[t]}`);
  for (const fact of [
    "Austria in region Europe",
    "Germany speaks German language",
    "Japan pays with Japanese yen",
  ])
    assert.ok(facts.includes(fact), fact);
  assert.ok(facts.includes("Switzerland borders France") !== facts.includes("France borders Switzerland"));
});

test("splits: shares, no overlap, every entity stays in the first part; inverses double", () => {
  const { triples, entities, relations } = wordnetGraph({ entities: 1500, seed: 3 });
  const [train, validation, test, rest] = splitTriples(triples, [0.8, 0.1, 0.1], random(1));
  assert.equal(train!.length + validation!.length + test!.length + rest!.length, triples.length);
  assert.ok(Math.abs(validation!.length - 0.1 * triples.length) <= 1);
  assert.equal(
    new Set([...train!, ...validation!, ...test!].map(String)).size + rest!.length,
    triples.length,
  );
  assert.equal(new Set(train!.flatMap(([head, , tail]) => [head, tail])).size, entities.length);
  const both = withInverses(train!, relations.length);
  assert.equal(both.length, 2 * train!.length);
  const [head, relation, tail] = train![0]!;
  assert.deepEqual(both[train!.length], [tail, relation + relations.length, head]);
  assert.throws(() => splitTriples(triples, [0.9, 0.2], random(1)), /shares are 0.9,0.2/);
});
