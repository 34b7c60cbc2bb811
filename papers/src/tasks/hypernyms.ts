/**
 * Which broader concepts does a dictionary definition fall under? Each noun of WordNet is labelled with
 * those of the concepts above it that are common, but none above one noun in ten: a few of many labels.
 */
import { split, take, wordnet } from "nearmiss/data";
import { random } from "nearmiss/random";
import { denseBag, hashedBag } from "nearmiss/text";
import { remember } from "../remember.ts";
import type { MultilabelExamples } from "./multilabel.ts";

export interface HypernymsSize {
  train: number;
  validation: number;
  test: number;
  /** Share of the training labels that are taken away, as if nobody had noticed that they apply. */
  missing: number;
  seed: number;
}

export interface Hypernyms {
  train: MultilabelExamples;
  validation: MultilabelExamples;
  test: MultilabelExamples;
}

export const HYPERNYMS = 80;
export const HYPERNYM_INPUTS = 512;

/** Only the training labels are made worse: validation and test are as WordNet has them. */
export const hypernyms = remember(({ train, validation, test, missing, seed }: HypernymsSize): Hypernyms => {
  const clean = definitions(train, validation, test, seed);
  if (missing === 0) return clean;
  const forgotten = random(seed).split("missing").bernoulli(clean.train.targets.length, missing);
  const targets = clean.train.targets.map((y, i) => (forgotten[i] ? 0 : y));
  return { ...clean, train: { x: clean.train.x, targets } };
}, 4);

const definitions = remember((train: number, validation: number, test: number, seed: number): Hypernyms => {
  const { glosses, labels } = labelled();
  const parts = split(glosses.length, {
    sizes: [train, validation, test],
    random: random(seed).split("hypernyms"),
  }).map((indices): MultilabelExamples => {
    const x = new Float32Array(indices.length * HYPERNYM_INPUTS);
    const targets = new Float32Array(indices.length * HYPERNYMS);
    take(glosses, indices).forEach((gloss, row) => {
      x.set(denseBag(hashedBag(gloss, HYPERNYM_INPUTS), HYPERNYM_INPUTS), row * HYPERNYM_INPUTS);
      for (const label of labels[indices[row]!]!) targets[row * HYPERNYMS + label] = 1;
    });
    return { x, targets };
  });
  return { train: parts[0]!, validation: parts[1]!, test: parts[2]! };
}, 2);

/** Every definition of a noun, once, with the labels that it has. */
const labelled = remember((): { glosses: string[]; labels: number[][] } => {
  const { synsets, ancestors } = wordnet(["noun"]);
  const nouns = [...new Map(synsets.map((synset) => [synset.gloss, synset])).values()];
  const above = nouns.map(({ id }) => ancestors(id));
  const counts = new Map<string, number>();
  for (const ids of above) for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  const concepts = [...counts]
    .filter(([, count]) => count <= nouns.length / 10)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, HYPERNYMS);
  const index = new Map(concepts.map(([id], i) => [id, i]));
  return {
    glosses: nouns.map(({ gloss }) => gloss),
    labels: above.map((ids) => ids.flatMap((id) => index.get(id) ?? [])),
  };
});
