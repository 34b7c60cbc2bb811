/** Hard negatives that are written, not retrieved: from the query's words and a lexicon, without any corpus. */
import type { Synset, WordNet } from "../data/wordnet.ts";
import type { Random } from "../random.ts";
import { words } from "../text/index.ts";

/** One thing of a kind: what it is called, and what is said of it. */
export interface Kind {
  words: readonly string[];
  /** Its definition, by which kinds that fit a query are found. */
  gloss: string;
  /** What the kind itself is called. */
  broader: readonly string[];
}

/** Knowledge of words, as a language model has it too: the kinds of what a noun names, fewest none. */
export type Lexicon = (noun: string) => readonly Kind[];

export interface GenerationOptions {
  random: Random;
  /**
   * Words that the text must not hold, such as those of the right answer: what a language model that knows
   * the answer leaves out by itself. Default: none.
   */
  avoid?: Iterable<string>;
  /** One of this many best fitting kinds is drawn. Default 3. */
  among?: number;
}

/**
 * A passage that is on the query's topic and does not answer it: a sibling of what the query asks for. The
 * head noun of the query names the kind ("a *dog* that herds sheep"); of the things of that kind, one is
 * taken whose definition shares many words with the query, and its card is written: its words, then those of
 * the kind. It reads the query and the lexicon alone, never a corpus.
 *
 * A stand-in for the language model of Sinha 2025, "Don't Retrieve, Generate: Prompting LLMs for Synthetic
 * Training Data in Dense Retrieval", for queries that are definitions.
 *
 * @returns The text, or undefined where no noun of the query has any kind that may be used.
 */
export function corpusFreeNegative(
  query: string,
  lexicon: Lexicon,
  { random, avoid = [], among = 3 }: GenerationOptions,
): string | undefined {
  if (!(Number.isSafeInteger(among) && among > 0))
    throw new RangeError(`corpusFreeNegative: among is ${among}; expected a positive integer`);
  const banned = new Set([...avoid].flatMap((text) => words(text)));
  const asked = new Set(words(query));
  const allowed = (kind: Kind) => !kind.words.some((text) => words(text).some((word) => banned.has(word)));
  const shared = ({ gloss }: Kind) => {
    const own = new Set(words(gloss));
    const common = [...own].filter((word) => asked.has(word)).length;
    // Jaccard's index; an empty query and an empty definition share nothing.
    return common / Math.max(1, own.size + asked.size - common);
  };
  for (const noun of headNouns(query)) {
    const kinds = lexicon(noun).filter(allowed);
    if (kinds.length === 0) continue;
    const best = kinds
      .map((kind) => ({ kind, fit: shared(kind) }))
      .sort((a, b) => b.fit - a.fit)
      .slice(0, among);
    const { kind } = random.choice(best);
    return [
      ...new Set([...kind.words, ...kind.broader.filter((text) => !banned.has(text.toLowerCase()))]),
    ].join(", ");
  }
  return undefined;
}

/** The kinds of a noun's first sense that has any, by WordNet. */
export function wordnetLexicon({ senses, get }: WordNet): Lexicon {
  const below = ({ pointers }: Synset) =>
    pointers.filter(({ relation }) => relation === "hyponym").flatMap(({ target }) => get(target) ?? []);
  return (noun) => {
    for (const form of [noun, noun.replace(/s$/, ""), noun.replace(/es$/, ""), noun.replace(/ies$/, "y")])
      for (const sense of senses(form)) {
        if (sense.partOfSpeech !== "noun") continue;
        const kinds = below(sense);
        if (kinds.length > 0)
          return kinds.map((kind) => ({ words: kind.words, gloss: kind.gloss, broader: sense.words }));
      }
    return [];
  };
}

/** Words that end a noun phrase. */
const ends = new Set(
  "of that which who whose whom with without in on at by for from to into used made having and or as is are was were it".split(
    " ",
  ),
);

/** Words that may name what is asked for, the likeliest first: of each phrase the last word, then those before. */
function headNouns(query: string): string[] {
  const phrases: string[][] = [[]];
  // Parentheses name a field or add an example.
  for (const part of query.replace(/\([^)]*\)/g, " ").split(/[;,:]/)) {
    for (const word of words(part)) {
      if (ends.has(word)) phrases.push([]);
      else phrases.at(-1)!.push(word);
    }
    phrases.push([]);
  }
  return phrases.flatMap((phrase) => phrase.toReversed());
}
