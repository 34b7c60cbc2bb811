import assert from "node:assert/strict";
import { test } from "node:test";
import { wordnet } from "./wordnet.ts";

const all = wordnet();

test("holds the synsets of WordNet 3.1", () => {
  const counts = new Map<string, number>();
  for (const { partOfSpeech } of all.synsets) counts.set(partOfSpeech, (counts.get(partOfSpeech) ?? 0) + 1);
  assert.deepEqual(Object.fromEntries(counts), { noun: 82192, verb: 13789, adjective: 18185, adverb: 3625 });
  assert.equal(new Set(all.synsets.map((synset) => synset.id)).size, 117_791);
});

test("a known synset comes out whole", () => {
  const [dog] = all.senses("Domestic Dog");
  assert.deepEqual(dog.words, ["dog", "domestic dog", "Canis familiaris"]);
  assert.equal(dog.supersense, "noun.animal");
  assert.match(dog.gloss, /^a member of the genus Canis .*; occurs in many breeds$/);
  assert.deepEqual(dog.examples, ["the dog barked all night"]);
  assert.deepEqual(
    dog.hypernyms.map((id) => all.get(id)?.words[0]),
    ["canine", "domestic animal"],
  );
  assert.equal(all.senses("dog").length, 8);
  const ancestors = all.ancestors(dog.id).map((id) => all.get(id)!.words[0]);
  assert.ok(ancestors.includes("mammal") && ancestors.at(-1) === "entity" && !ancestors.includes("dog"));
});

test("every pointer leads to a synset and to a word of it, and has its inverse", () => {
  const inverses = {
    hypernym: "hyponym",
    hyponym: "hypernym",
    antonym: "antonym",
    "part meronym": "part holonym",
  };
  for (const synset of all.synsets)
    for (const pointer of synset.pointers) {
      const target = all.get(pointer.target);
      assert.ok(target && pointer.relation, `${synset.id} ${pointer.relation} ${pointer.target}`);
      assert.ok(pointer.word < synset.words.length && pointer.targetWord < target.words.length);
      const inverse = inverses[pointer.relation as keyof typeof inverses];
      if (inverse)
        assert.ok(
          target.pointers.some((back) => back.target === synset.id && back.relation === inverse),
          `${synset.id} ${pointer.relation} ${pointer.target} has no way back`,
        );
    }
});

test("antonyms relate words, not synsets", () => {
  const pairs = all
    .senses("happy")
    .flatMap((synset) =>
      synset.pointers
        .filter((pointer) => pointer.relation === "antonym")
        .map((pointer) => [synset.words[pointer.word], all.get(pointer.target)!.words[pointer.targetWord]]),
    );
  assert.deepEqual(pairs, [["happy", "unhappy"]]);
});

test("definitions are separated from examples, adjectives lose their position marks", () => {
  assert.ok(all.synsets.every((synset) => synset.gloss !== "" && synset.gloss === synset.gloss.trim()));
  assert.ok(all.synsets.filter((synset) => /; "|: "/.test(synset.gloss)).length === 0);
  assert.ok(all.synsets.every((synset) => synset.words.every((word) => !/[_)]/.test(word))));
  const roundup = all.senses("roundup").find((synset) => synset.gloss === "a summary list");
  assert.deepEqual(roundup?.examples, ["a news roundup"], 'after "as in e.g."');
  const galore = all.get("a01556519")!;
  assert.deepEqual(galore.words, ["galore"]);
  assert.deepEqual([galore.gloss, galore.examples], ["in great numbers", ["daffodils galore"]]);
});

test("parts of speech can be had alone and are read once", () => {
  assert.equal(wordnet(["adverb"]).synsets.length, 3625);
  assert.equal(wordnet(["adverb"]), wordnet(["adverb"]));
  assert.throws(() => wordnet(["nouns" as "noun"]), /"nouns" is none of noun, verb, adjective, adverb/);
});
