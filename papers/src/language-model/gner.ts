import { bioEntities, matchTags, type TaggedWords } from "nearmiss/language";
import { entityF1, type NamedEntity } from "nearmiss/metrics";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { drawSentence, type EntitySentence } from "../tasks/entity-sentences.ts";
import { corrupted, outputOf, trainTagger } from "../tasks/entity-tagger.ts";

export const card: Card = {
  number: 50,
  slug: "gner",
  title: "Rethinking Negative Instances for Generative Named Entity Recognition",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2402.16602",
  link: "https://arxiv.org/abs/2402.16602",
  code: "https://github.com/yyDing1/GNER",
  summary:
    "A generative tagger rewrites every input word followed by its BIO tag, so non-entity words appear in the output too. The prompt lists the allowed entity types, and the loss is ordinary next-token training on the output. A matching in three levels (identity, subsequence, longest common subsequence) aligns imperfect outputs with the input words.",
  claim:
    "Having the tagger write non-entity words as O raises entity F1 over listing entities only, most of all in zero-shot use, and F1 grows with the share of context words kept. Aligning outputs by three-level matching is fast and tolerates omissions, additions and substitutions, unlike exact-order matching.",
  formula: String.raw`\mathcal L=-\sum_t\log p\left(y_t\mid x,\mathcal T,y_{<t}\right),\quad y=w_1(\ell_1)\dots w_n(\ell_n),\;\;\ell_i\in\{\text O\}\cup\{\text B,\text I\}\times\mathcal T`,
  exports: [
    "language/bio-tags: bioTags",
    "language/bio-tags: bioEntities",
    "language/bio-tags: keptWords",
    "language/bio-tags: formatTagged",
    "language/bio-tags: parseTagged",
    "language/match-tags: matchTags",
    "text/common-subsequence: commonSubsequence",
    "metrics/entities: entityF1",
  ],
  notes: [
    "Tags, entities and matching are those of the official evaluation: 2,000 random sentences and 300 random outputs gave the same. Its detour by a tokenizer, which makes input words look like decoded ones, is left out.",
    "In the official code an I- tag of another type goes on with an entity and changes the type of the whole.",
    "Zero-shot use, where the types themselves are new, is not decided: a model of this size knows no type that it has not been taught. Names that training has not shown stand in for it; validation sees known names only.",
    "Every tagger of a seed starts from one model that has learnt to copy any words, and sees equal sentences; a third of each batch goes on with copying, without which it soon cannot write an unseen name. A sentence asks for some of four types, and names of the others are O.",
    "In the default run the means on unseen names grow from entities only (0.34) to one word of context (0.49) and all words (0.59), but they vary so much between three seeds that the intervals reach below 0. How fast matching is, is not measured.",
  ],
};

interface Settings {
  width: number;
  layers: number;
  copying: number;
  steps: number;
  learningRates: number[];
  validation: number;
  /** Sentences with known names, and as many with unseen ones. */
  test: number;
  /** Probability that a word of an output is left out; as high are those of an addition and of a replacement. */
  corruption: number;
}

const contexts: Record<string, number> = {
  full: Number.POSITIVE_INFINITY,
  inOrder: Number.POSITIVE_INFINITY,
  oneWord: 1,
  entitiesOnly: 0,
};

const size = { width: 48, layers: 2, corruption: 0.05 };

export const study = defineStudy<Settings>({
  arms: {
    full: "writes every word with its tag; outputs are matched in three levels",
    oneWord: "writes entities and one word on either side",
    entitiesOnly: "writes the words of entities only",
    inOrder: "writes every word, and the first tag is taken for the first word, and so on",
  },
  scales: {
    smoke: {
      ...size,
      width: 16,
      layers: 1,
      copying: 3,
      steps: 5,
      learningRates: [3e-3],
      validation: 10,
      test: 20,
      seeds: 2,
    },
    default: {
      ...size,
      copying: 250,
      steps: 250,
      learningRates: [2e-3, 4e-3],
      validation: 200,
      test: 400,
      seeds: 3,
    },
    full: {
      ...size,
      width: 96,
      layers: 3,
      copying: 1000,
      steps: 2000,
      learningRates: [5e-4, 1e-3, 2e-3, 5e-3],
      validation: 500,
      test: 2000,
      seeds: 10,
    },
  },
  metrics: {
    "F1, unseen names": "micro F1 of entities in sentences whose names training has not shown",
    "F1, known names": "the same in new sentences with names of training",
    "F1, corrupted outputs":
      "the same where right outputs have words left out, added and replaced before they are matched",
    "words written": "mean number of words that the tagger writes of a sentence",
  },
  curves: { "training loss": { x: "step", y: "loss, nats a token" } },
  claims: [
    {
      id: "negatives",
      statement:
        "A tagger that writes all words finds unseen names better than one that lists entities only.",
      rule: "The difference of F1 on unseen names, paired by seed. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.",
      comparisons: [
        { metric: "F1, unseen names", method: "full", baseline: "entitiesOnly", better: "higher" },
      ],
    },
    {
      id: "share",
      statement: "F1 grows with the share of context words that are written.",
      rule: "As above, from entities only to one word of context and from there to all words. Supports if both intervals lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: [
        { metric: "F1, unseen names", method: "oneWord", baseline: "entitiesOnly", better: "higher" },
        { metric: "F1, unseen names", method: "full", baseline: "oneWord", better: "higher" },
      ],
    },
    {
      id: "matching",
      statement:
        "Matching in three levels tolerates outputs with missing, added and replaced words better than taking tags in order.",
      rule: "The difference of F1 on corrupted outputs, paired by seed. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.",
      comparisons: [
        { metric: "F1, corrupted outputs", method: "full", baseline: "inOrder", better: "higher" },
      ],
    },
  ],
  distance:
    "The paper tunes Flan-T5 and LLaMA with up to 11 billion weights on 240,000 passages of Pile-NER and tests on entity types that are new; here a model of 70,000 weights is trained on 4,000 made-up sentences of 3 to 8 words with four types.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(
      ["gner", contexts[arm], settings],
      settings.learningRates,
      async (rate) => {
        const tagger = await trainTagger({
          ...settings,
          context: contexts[arm]!,
          learningRate: rate,
          seed: TUNING_SEED,
          signal,
        });
        const sentences = draw("known", settings.validation, TUNING_SEED);
        return scored(arm, sentences, await tagger(sentences));
      },
    );
    const onStep = (step: number, steps: number, loss: number) => {
      report.progress(step / steps);
      report.point("training loss", step, loss);
    };
    const context = contexts[arm]!;
    const written = await outputs(String(context), { ...settings, learningRate, seed }, signal, onStep);
    const [known, unseen] = [draw("known", settings.test, seed), draw("unseen", settings.test, seed)];
    const spoiling = random(seed).split("corruption");
    const spoilt = known.map((sentence, i) =>
      corrupted(outputOf(sentence, context), settings.corruption, spoiling.split(i)),
    );
    return {
      "F1, unseen names": scored(arm, unseen, written.unseen),
      "F1, known names": scored(arm, known, written.known),
      "F1, corrupted outputs": scored(arm, known, spoilt),
      "words written": written.known.reduce((sum, { words }) => sum + words.length, 0) / known.length,
    };
  },
});

const draw = (names: "known" | "unseen", count: number, seed: number): EntitySentence[] => {
  const stream = random(seed).split(`sentences with ${names} names`);
  return Array.from({ length: count }, (_, i) => drawSentence(stream.split(i), names));
};

/** What the tagger of a seed writes, made once for both ways of matching; functions are no part of the key. */
const outputs = remember(
  async (
    context: string,
    options: Settings & { learningRate: number; seed: number },
    signal: AbortSignal,
    onStep: (step: number, steps: number, loss: number) => void,
  ) => {
    const tagger = await trainTagger({ ...options, context: Number(context), signal, onStep });
    return {
      known: await tagger(draw("known", options.test, options.seed)),
      unseen: await tagger(draw("unseen", options.test, options.seed)),
    };
  },
);

/** F1 of what is found in sentences by what a tagger has written. */
function scored(arm: string, sentences: readonly EntitySentence[], written: readonly TaggedWords[]): number {
  const entities = (words: readonly string[], tags: readonly string[]): NamedEntity[] =>
    bioEntities(tags).map(({ type, from, to }) => ({ type, text: words.slice(from, to).join(" ") }));
  const found = sentences.map(({ words }, i) => {
    const { tags } = written[i]!;
    const taken = arm === "inOrder" ? words.map((_, at) => tags[at] ?? "O") : matchTags(words, written[i]!);
    return entities(words, taken);
  });
  return entityF1(
    found,
    sentences.map(({ words, tags }) => entities(words, tags)),
  ).f1;
}
