/**
 * Made-up sentences in which every meaning has several words, so that what is a synonym of what is known. Things of
 * eight kinds are good or bad; their kind decides what they do and to what, and whether they are good how they are
 * described. Words of a meaning stand for each other anywhere, some more often than others.
 */
import { fromData, matmul, reshape, type Tensor } from "nearmiss";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import { BEGIN, END, FIRST_WORD } from "./masked-model.ts";

export const KINDS = 8;
const THINGS = 40;
const VERBS = 16;
const ADJECTIVES = 16;
/** How often each word of a meaning stands for it. */
const FREQUENCIES = [0.4, 0.3, 0.2, 0.1];
const MEANINGS = THINGS + VERBS + ADJECTIVES;

export const VOCABULARY = FIRST_WORD + MEANINGS * FREQUENCIES.length;
/** Tokens of a sentence, the marks of its ends included. */
export const SENTENCE = 11;

export interface SynonymSentence {
  tokens: number[];
  /** Of the thing that the sentence is about: what kind it is of, and whether it is good (1). */
  kind: number;
  good: number;
}

export interface SynonymWorld {
  sentence(draw: Random): SynonymSentence;
  /** Of each token the synonyms that the table knows: of each pair of synonyms, half of them by chance. */
  listed: number[][];
  /** As many for each token, of the same part of speech, drawn by chance: a table that is wrong. */
  shuffled: number[][];
  /** A sentence with every word replaced by the rarest of its synonyms that the table does not know. */
  attack(tokens: readonly number[]): number[];
}

const kindOf = (thing: number) => thing % KINDS;
const WORDS = FREQUENCIES.length;
const tokenOf = (meaning: number, word: number) => FIRST_WORD + meaning * WORDS + word;

/** What is true, and what the table knows, in the world of a seed. */
export const synonymWorld = remember((seed: number): SynonymWorld => {
  const root = random(seed).split("synonym world");
  const facts = root.split("facts");
  const choose = (from: number, count: number, size: number) =>
    Array.from(facts.sample(size, count), (i) => from + i);
  /** Of each kind what it does, and of each verb to which kind. */
  const verbsOf = Array.from({ length: KINDS }, () => choose(THINGS, 4, VERBS));
  const objectOf = Array.from({ length: VERBS }, () => facts.integer(0, KINDS));
  const half = ADJECTIVES / 2;
  const goodness = facts.shuffle(Array.from({ length: THINGS }, (_, i) => i % 2));
  const adjectivesOf = goodness.map((good) => choose(THINGS + VERBS + good * half, 4, half));

  const say = (meaning: number, draw: Random) => tokenOf(meaning, draw.categorical(FREQUENCIES));
  const sentence = (draw: Random): SynonymSentence => {
    const thing = draw.integer(0, THINGS);
    const kind = kindOf(thing);
    const clause = () => {
      const verb = draw.choice(verbsOf[kind]!);
      const other = objectOf[verb - THINGS]! + KINDS * draw.integer(0, THINGS / KINDS);
      const described = (each: number) => [draw.choice(adjectivesOf[each]!), each];
      return [...described(thing), verb, ...described(other)];
    };
    const meanings = [...clause(), ...clause().slice(1)];
    return {
      tokens: [BEGIN, ...meanings.map((meaning) => say(meaning, draw)), END],
      kind,
      good: goodness[thing]!,
    };
  };

  const listed: number[][] = Array.from({ length: VOCABULARY }, () => []);
  const unlisted: number[][] = Array.from({ length: VOCABULARY }, () => []);
  const coin = root.split("table");
  for (let meaning = 0; meaning < MEANINGS; meaning++)
    for (let a = 0; a < WORDS; a++)
      for (let b = 0; b < a; b++) {
        const table = coin.next() < 0.5 ? listed : unlisted;
        const [one, two] = [tokenOf(meaning, a), tokenOf(meaning, b)];
        table[one]!.push(two);
        table[two]!.push(one);
      }
  const shuffled: number[][] = Array.from({ length: VOCABULARY }, () => []);
  let from = FIRST_WORD;
  for (const count of [THINGS, VERBS, ADJECTIVES]) {
    const places = root
      .split("shuffled")
      .split(count)
      .permutation(count * WORDS);
    const moved = (token: number) => from + places[token - from]!;
    for (let token = from; token < from + count * WORDS; token++)
      shuffled[moved(token)] = listed[token]!.map(moved);
    from += count * WORDS;
  }
  return {
    sentence,
    listed,
    shuffled,
    // Of a meaning's words the last is the rarest.
    attack: (tokens) => tokens.map((t) => (unlisted[t]!.length > 0 ? Math.max(...unlisted[t]!) : t)),
  };
});

/** Means of the vectors [n, length, width] of all words of sentences, [n, width]. */
export function meanOfWords(vectors: Tensor): Tensor {
  const [n, length, width] = vectors.shape as [number, number, number];
  // The marks of the ends do not count.
  const weights = Float32Array.from({ length }, (_, i) =>
    i === 0 || i === length - 1 ? 0 : 1 / (length - 2),
  );
  return reshape(matmul(fromData(weights, [1, length]), vectors), [n, width]);
}
