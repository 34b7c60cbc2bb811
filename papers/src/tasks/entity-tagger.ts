/** A small language model that reads a sentence and writes its words with tags, all of them or those near entities. */
import type { CausalLanguageModelParams, Example, TaggedWords } from "nearmiss/language";
import { keptWords } from "nearmiss/language";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import {
  drawSentence,
  type EntitySentence,
  entityTypes,
  LONGEST_SENTENCE,
  sentenceWords,
} from "./entity-sentences.ts";
import { languagePolicy, likelihoodLoss, policyBatch, tunePolicy } from "./language-policy.ts";

const PADDING = 0;
const END = 1;
const BEGIN_SENTENCE = 2;
const BEGIN_ANSWER = 3;
const COPY = 4;
const BATCH = 24;
/** Copying examples in a batch of tagging. */
const COPIED = 8;

const vocabulary = remember(() => {
  const tags = ["O", ...entityTypes.flatMap((type) => [`B-${type}`, `I-${type}`])];
  const words = sentenceWords();
  const symbols = [
    "<padding>",
    "<end>",
    "<sentence>",
    "<answer>",
    "<copy>",
    ...entityTypes,
    ...tags,
    ...words,
  ];
  const firstTag = 5 + entityTypes.length;
  const number = new Map(symbols.map((symbol, i) => [symbol, i]));
  return { symbols, number, firstTag, firstWord: firstTag + tags.length, words };
});

export interface TaggerSize {
  width: number;
  layers: number;
}

const tagger = remember(({ width, layers }: TaggerSize) =>
  languagePolicy({
    vocabulary: vocabulary().symbols.length,
    // Types, the sentence between two marks, a word and a tag each, and the end.
    length: entityTypes.length + 3 + 3 * LONGEST_SENTENCE,
    end: END,
    padding: PADDING,
    layers,
    width,
  }),
);

const numbersOf = (symbols: readonly string[]) => symbols.map((symbol) => vocabulary().number.get(symbol)!);

const promptOf = ({ asked, words }: EntitySentence): number[] => [
  ...numbersOf(asked),
  BEGIN_SENTENCE,
  ...numbersOf(words),
  BEGIN_ANSWER,
];

/** What the tagger shall write of a sentence: words of entities and so many around them. */
export function outputOf({ words, tags }: EntitySentence, context: number): TaggedWords {
  const kept = keptWords(tags, context);
  return { words: words.filter((_, i) => kept[i]), tags: tags.filter((_, i) => kept[i]) };
}

const exampleOf = (sentence: EntitySentence, context: number): Example => {
  const { words, tags } = outputOf(sentence, context);
  return {
    prompt: promptOf(sentence),
    response: [...numbersOf(words.flatMap((word, i) => [word, tags[i]!])), END],
  };
};

/** Any words, to be written once more: the model learns to copy, and a vector for every word. */
function copyExample(draw: Random): Example {
  const length = draw.integer(3, LONGEST_SENTENCE + 1);
  const words = numbersOf(Array.from({ length }, () => draw.choice(vocabulary().words)));
  return { prompt: [COPY, BEGIN_SENTENCE, ...words, BEGIN_ANSWER], response: [...words, END] };
}

const copier = remember((size: TaggerSize & { copying: number; seed: number }) => {
  const policy = tagger({ width: size.width, layers: size.layers });
  const root = random(size.seed).split("copying");
  return tunePolicy({
    params: policy.model.init(root.split("weights")),
    steps: size.copying,
    learningRate: 3e-3,
    batch: (i) => {
      const draw = root.split(i);
      return policyBatch(
        policy,
        Array.from({ length: BATCH }, () => copyExample(draw)),
      );
    },
    loss: (params, batch) => likelihoodLoss(policy, params, batch),
  });
});

export interface TaggerTraining extends TaggerSize {
  /** Words around each entity that are written. */
  context: number;
  /** Steps of learning to copy, the same for all taggers of a seed. */
  copying: number;
  steps: number;
  learningRate: number;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** What it writes of each sentence. */
export type Tagger = (sentences: readonly EntitySentence[]) => Promise<TaggedWords[]>;

/** Learns from sentences with known names, drawn anew for each step. */
export async function trainTagger(options: TaggerTraining): Promise<Tagger> {
  const { width, layers, context, copying, steps, learningRate, seed, signal, onStep } = options;
  const policy = tagger({ width, layers });
  const root = random(seed).split("tagging");
  const params: CausalLanguageModelParams = await tunePolicy({
    params: await copier({ width, layers, copying, seed }),
    steps,
    learningRate,
    batch: (i) => {
      const draw = root.split(i);
      const sentences = Array.from({ length: BATCH - COPIED }, () => drawSentence(draw, "known"));
      // Copying goes on: a model that no longer writes unseen names would forget how to.
      return policyBatch(policy, [
        ...sentences.map((sentence) => exampleOf(sentence, context)),
        ...Array.from({ length: COPIED }, () => copyExample(draw)),
      ]);
    },
    loss: (weights, batch) => likelihoodLoss(policy, weights, batch),
    signal,
    onStep,
  });
  return async (sentences) =>
    (await policy.write(params, sentences.map(promptOf), { temperature: 0 })).map(readTagged);
}

/** Each tag belongs to the word before it; words without a tag and tags without a word are left out. */
function readTagged(tokens: readonly number[]): TaggedWords {
  const { symbols, firstTag, firstWord } = vocabulary();
  const read: TaggedWords = { words: [], tags: [] };
  tokens.forEach((token, i) => {
    const before = tokens[i - 1] ?? PADDING;
    if (token < firstTag || token >= firstWord || before < firstWord) return;
    read.words.push(symbols[before]!);
    read.tags.push(symbols[token]!);
  });
  return read;
}

/** Leaves out, adds and replaces words of an output, each with the given probability a word. */
export function corrupted({ words, tags }: TaggedWords, rate: number, draw: Random): TaggedWords {
  const anyWord = () => draw.choice(vocabulary().words);
  const changed = words.flatMap((word, i) => {
    const change = draw.next() / rate;
    if (change < 1) return [];
    const own: [string, string] = [change < 2 ? anyWord() : word, tags[i]!];
    return change >= 2 && change < 3 ? [own, [anyWord(), "O"] as [string, string]] : [own];
  });
  return { words: changed.map(([word]) => word), tags: changed.map(([, tag]) => tag) };
}
