import assert from "node:assert/strict";
import { test } from "node:test";
import { words } from "../text/words.ts";
import { nounSupersenses, reverseDictionary, supersenses } from "./definitions.ts";
import { wordnet } from "./wordnet.ts";

const wording = (text: string) => words(text).join(" ");

test("no synset and no wording stands in two parts, or twice in one", () => {
  for (const hiddenPositives of [false, true]) {
    const parts = reverseDictionary({ train: 6000, development: 500, test: 1000, seed: 1, hiddenPositives });
    const entries = [...parts.train, ...parts.development, ...parts.test];
    assert.deepEqual([parts.train.length, parts.development.length, parts.test.length], [6000, 500, 1000]);
    const ids = entries.flatMap((entry) => entry.ids);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(new Set(entries.map((entry) => wording(entry.gloss))).size, entries.length);
  }
});

test("entries hold the synset's definition and words; equal definitions are one entry", () => {
  const { get } = wordnet(["noun"]);
  const { train } = reverseDictionary({ train: 80_000, development: 0, test: 0 });
  const merged = train.filter((entry) => entry.ids.length > 1);
  assert.ok(merged.length > 300, `${merged.length} merged`);
  assert.equal(new Set(train.map((entry) => wording(entry.gloss))).size, train.length);
  for (const entry of [...merged, ...train.slice(0, 500)]) {
    const own = entry.ids.flatMap((id) => get(id)!.words);
    assert.deepEqual(new Set(entry.words), new Set(own));
    assert.ok(entry.ids.every((id) => wording(get(id)!.gloss) === wording(entry.gloss)));
    assert.ok(own.every((word) => entry.card.includes(word)));
    assert.equal(entry.hiddenCard, undefined);
  }
});

test("hidden positives: words of hyponyms and parts, of synsets that have two of them", () => {
  const { get } = wordnet(["noun"]);
  const { test: entries } = reverseDictionary({ train: 0, development: 0, hiddenPositives: true });
  for (const { ids, card, hiddenCard } of entries) {
    const below = get(ids[0])!.pointers.filter(
      (p) => p.relation === "hyponym" || p.relation === "part meronym",
    );
    assert.ok(below.length >= 2);
    for (const pointer of below) assert.ok(hiddenCard!.includes(get(pointer.target)!.words[0]));
    assert.notEqual(card, hiddenCard);
  }
});

test("supersenses: 25 classes in WordNet's proportions, labels that the database gives", () => {
  const { classes, train, test } = supersenses({ seed: 2 });
  assert.equal(classes.length, 25);
  assert.deepEqual(classes, nounSupersenses);
  assert.ok(classes.includes("noun.act") && classes.includes("noun.time") && !classes.includes("noun.Tops"));
  assert.deepEqual([train.texts.length, train.labels.length, test.texts.length], [6000, 6000, 2000]);
  const byGloss = Map.groupBy(wordnet(["noun"]).synsets, (synset) => synset.gloss);
  train.texts.forEach((text, i) => {
    assert.ok(
      byGloss.get(text)!.some((synset) => synset.supersense === classes[train.labels[i]]),
      text,
    );
  });
  const artifacts = (labels: Int32Array) =>
    labels.filter((label) => classes[label] === "noun.artifact").length / labels.length;
  assert.ok(Math.abs(artifacts(train.labels) - artifacts(test.labels)) < 0.002);
  const wordings = new Set(train.texts.map(wording));
  assert.ok(test.texts.every((text) => !wordings.has(wording(text))));
});

test("definitions that stand for nouns of two supersenses are left out", () => {
  const { train } = supersenses({ train: 80_000, test: 0 });
  const classOf = new Map<string, Set<string>>();
  for (const synset of wordnet(["noun"]).synsets) {
    if (synset.supersense === "noun.Tops") continue;
    const key = wording(synset.gloss);
    classOf.set(key, (classOf.get(key) ?? new Set()).add(synset.supersense));
  }
  assert.ok(
    [...classOf.values()].some((classes) => classes.size > 1),
    "there are some",
  );
  assert.ok(train.texts.every((text) => classOf.get(wording(text))!.size === 1));
});

test("the seed decides, and too much is refused", () => {
  const first = (seed: number) => reverseDictionary({ train: 5, development: 0, test: 0, seed }).train;
  assert.deepEqual(first(1), first(1));
  assert.notDeepEqual(first(1), first(2));
  assert.throws(() => reverseDictionary({ train: 1e6 }), /ask for 1001000 items/);
});
