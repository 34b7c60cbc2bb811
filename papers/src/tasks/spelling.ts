/** Reading aloud: a small language model writes the phonemes of a word letter by letter, taught by flawed examples. */
import type { Tensor } from "nearmiss";
import { pronunciations } from "nearmiss/data";
import type { CausalLanguageModelParams, Example } from "nearmiss/language";
import { errorRate } from "nearmiss/metrics";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import { type LanguagePolicy, languagePolicy, policyBatch, tunePolicy } from "./language-policy.ts";

/** Longest word and pronunciation. */
export const LONGEST = 5;
export const LETTERS = 26;

/** Tokens: the letters, then the phonemes without stress, then these. */
const phonemeNames = remember(() =>
  [...new Set(pronunciations().flatMap(({ phonemes }) => phonemes.map(withoutStress)))].sort(),
);
const withoutStress = (phoneme: string) => phoneme.replace(/\d/, "");

export interface SpellingTokens {
  vocabulary: number;
  /** Between a word and its phonemes. */
  says: number;
  end: number;
  padding: number;
}

export const spellingTokens = remember((): SpellingTokens => {
  const says = LETTERS + phonemeNames().length;
  return { vocabulary: says + 3, says, end: says + 1, padding: says + 2 };
});

export const isLetter = (token: number): boolean => token < LETTERS;

export interface Spoken {
  /** Tokens 0 to 25. */
  letters: number[];
  /** Tokens from 26. */
  phonemes: number[];
}

const short = remember((): Spoken[] => {
  const token = new Map(phonemeNames().map((name, i) => [name, LETTERS + i]));
  const seen = new Set<string>();
  return pronunciations().flatMap(({ word, phonemes }) => {
    // Of several pronunciations the dictionary's first stands.
    if (!/^[a-z]+$/.test(word) || word.length < 3 || word.length > LONGEST || seen.has(word)) return [];
    seen.add(word);
    if (phonemes.length > LONGEST) return [];
    return {
      letters: Array.from(word, (letter) => letter.charCodeAt(0) - 97),
      phonemes: phonemes.map((each) => token.get(withoutStress(each))!),
    };
  });
});

export interface SpellingSizes {
  train: number;
  validation: number;
  test: number;
}

/** Words of three to five letters; the parts share none. */
export const spelling = remember((seed: number, { train, validation, test }: SpellingSizes) => {
  const words = random(seed)
    .split("spelling")
    .shuffle(short())
    .slice(0, train + validation + test);
  return {
    train: words.slice(validation + test),
    validation: words.slice(0, validation),
    test: words.slice(validation, validation + test),
  };
});

/** Replaces the phonemes of a share of the words by what `flaw` makes of them. */
export function flawed(
  words: readonly Spoken[],
  share: number,
  flaw: (word: Spoken, draw: Random) => number[],
  draw: Random,
): Spoken[] {
  return words.map((word) => (draw.next() < share ? { ...word, phonemes: flaw(word, draw) } : word));
}

export const reader = remember((layers: number, width: number): LanguagePolicy => {
  const { vocabulary, end, padding } = spellingTokens();
  return languagePolicy({ vocabulary, length: 2 * LONGEST + 2, end, padding, layers, width });
});

export const spoken = ({ letters, phonemes }: Spoken): Example => ({
  prompt: [...letters, spellingTokens().says],
  response: [...phonemes, spellingTokens().end],
});

export interface SpellingTraining {
  policy: LanguagePolicy;
  /** Weights to start from. Default: new ones of the seed. */
  from?: CausalLanguageModelParams;
  words: readonly Spoken[];
  steps: number;
  learningRate: number;
  /** Of logits [n, length, vocabulary] for the tokens that the mask keeps. */
  loss: (logits: Tensor, tokens: Tensor, mask: Tensor) => Tensor;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

const BATCH = 64;

export function learnToRead(options: SpellingTraining): Promise<CausalLanguageModelParams> {
  const { policy, from, words, steps, learningRate, loss, seed, signal, onStep } = options;
  const root = random(seed).split("learning to read");
  return tunePolicy({
    params: from ?? policy.model.init(root.split("weights")),
    steps,
    learningRate,
    batch: (i) => {
      const draw = root.split(from ? "later batches" : "batches").split(i);
      const examples = Array.from({ length: BATCH }, () => spoken(draw.choice(words)));
      return { examples: policyBatch(policy, examples) };
    },
    loss: (params, { examples: { inputs, targets, mask } }) =>
      loss(policy.model.apply(params, inputs), targets, mask),
    signal,
    onStep,
  });
}

/** Phonemes that each word's likeliest reading has. */
export async function readAloud(
  policy: LanguagePolicy,
  params: CausalLanguageModelParams,
  words: readonly Spoken[],
): Promise<number[][]> {
  const prompts = words.map((word) => spoken(word).prompt);
  const written = await policy.write(params, prompts, { temperature: 0 });
  return written.map((tokens) => tokens.filter((token) => token !== spellingTokens().end));
}

/** Edits between the readings and the words' phonemes, a phoneme. */
export const phonemeErrorRate = (readings: readonly number[][], words: readonly Spoken[]): number =>
  errorRate(
    readings,
    words.map(({ phonemes }) => phonemes),
  );
