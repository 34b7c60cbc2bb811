/**
 * Two tasks on WordNet's definitions: from a definition to the words that it defines (retrieval),
 * and from a definition to its supersense (classification). No synset, and no definition of equal
 * wording, stands in two parts of a split.
 */
import { random } from "../random.ts";
import { words } from "../text/words.ts";
import { split } from "./split.ts";
import { lexicographerFiles, type PartOfSpeech, type Synset, wordnet } from "./wordnet.ts";

export interface SplitSizes {
  /** Number of training items. */
  train?: number;
  /** Number of development items. */
  development?: number;
  /** Number of test items. */
  test?: number;
  /** Which items go where. Default 0. */
  seed?: number | string;
}

export interface ReverseDictionaryOptions extends SplitSizes {
  /** Default ["noun"]. */
  partsOfSpeech?: readonly PartOfSpeech[];
  /**
   * Keep only synsets with at least two hyponyms or parts, and give each a second relevant card that
   * counts as unlabelled: a miner that takes it for a negative has mined a false negative. Default false.
   */
  hiddenPositives?: boolean;
}

export interface Entry {
  /** Synsets that have this definition: nearly always one. */
  ids: string[];
  /** The definition: the query. */
  gloss: string;
  /** The words that it defines. */
  words: string[];
  /** Labelled positive: the words and those of the direct hypernyms. */
  card: string;
  /** Relevant but unlabelled: words of hyponyms and parts, and examples. Only with `hiddenPositives`. */
  hiddenCard?: string;
}

/**
 * The reverse dictionary: given a definition, find its words (or their card).
 * Defaults: 4000 training, 500 development and 500 test entries.
 *
 * @throws RangeError where more entries are asked for than there are
 */
export function reverseDictionary(options: ReverseDictionaryOptions = {}): Record<Part, Entry[]> {
  const { partsOfSpeech = ["noun"], hiddenPositives = false } = options;
  const { get, synsets } = wordnet(partsOfSpeech);
  const linked = (synset: Synset, match: (relation: string) => boolean) =>
    synset.pointers
      .filter((pointer) => match(pointer.relation))
      .flatMap((pointer) => get(pointer.target) ?? []);
  const isHypernym = (relation: string) => relation.endsWith("hypernym");
  const isBelow = (relation: string) => relation === "hyponym" || relation === "part meronym";

  const candidates = hiddenPositives
    ? synsets.filter((synset) => linked(synset, isBelow).length >= 2)
    : synsets;
  const groups = sameGloss(candidates);
  const sizes = {
    train: options.train ?? 4000,
    development: options.development ?? 500,
    test: options.test ?? 500,
  };
  return splitByName(groups, sizes, options.seed ?? 0, (group) => {
    const own = distinct(group.flatMap((synset) => synset.words));
    const above = group.flatMap((synset) => linked(synset, isHypernym)).flatMap((synset) => synset.words);
    const below = group.flatMap((synset) => linked(synset, isBelow)).flatMap((synset) => synset.words);
    return {
      ids: group.map((synset) => synset.id),
      gloss: group[0].gloss,
      words: own,
      card: distinct([...own, ...above]).join(", "),
      ...(hiddenPositives && {
        hiddenCard: distinct([...below, ...group.flatMap((synset) => synset.examples)]).join(", "),
      }),
    };
  });
}

export interface LabelledTexts {
  texts: string[];
  /** Index of `classes`, [texts]. */
  labels: Int32Array;
}

/** The 25 noun supersenses: noun.act to noun.time. noun.Tops, the 51 roots of the hierarchy, is none. */
export const nounSupersenses: readonly string[] = lexicographerFiles.filter(
  (file) => file.startsWith("noun.") && file !== "noun.Tops",
);

/**
 * Classify a definition by the supersense of its noun (Ciaramita and Johnson 2003), classes in the
 * proportions of WordNet. Definitions that stand for nouns of two supersenses are left out.
 * Defaults: 6000 training, 0 development and 2000 test definitions.
 */
export function supersenses(
  options: SplitSizes = {},
): Record<Part, LabelledTexts> & { classes: readonly string[] } {
  const label = (synset: Synset) => nounSupersenses.indexOf(synset.supersense);
  const groups = sameGloss(wordnet(["noun"]).synsets.filter((synset) => label(synset) >= 0)).filter(
    (group) => new Set(group.map(label)).size === 1,
  );
  const sizes = {
    train: options.train ?? 6000,
    development: options.development ?? 0,
    test: options.test ?? 2000,
  };
  const labels = groups.map((group) => label(group[0]));
  const parts = splitByName(groups, sizes, options.seed ?? 0, (group) => group[0], labels);
  const collect = (part: Synset[]) => ({
    texts: part.map((synset) => synset.gloss),
    labels: Int32Array.from(part, label),
  });
  return {
    classes: nounSupersenses,
    train: collect(parts.train),
    development: collect(parts.development),
    test: collect(parts.test),
  };
}

type Part = "train" | "development" | "test";

/** Synsets together whose definitions have the same words, in the order of first appearance. */
function sameGloss(synsets: Synset[]): Synset[][] {
  return [...Map.groupBy(synsets, (synset) => words(synset.gloss).join(" ")).values()];
}

function splitByName<T, U>(
  items: T[],
  sizes: Record<Part, number>,
  seed: number | string,
  convert: (item: T) => U,
  labels?: number[],
): Record<Part, U[]> {
  const { train, development, test } = sizes;
  const options = { sizes: [train, development, test], random: random(seed).split("wordnet"), labels };
  const parts = split(items.length, options).map((part) => Array.from(part, (i) => convert(items[i])));
  return { train: parts[0], development: parts[1], test: parts[2] };
}

const distinct = (list: string[]) => [...new Set(list)];
