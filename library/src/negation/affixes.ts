/**
 * Words that a negative affix turns round ("unhappy", "careless"), words that merely look so ("uncle"), and how a
 * tokenizer cuts them, after Truong et al. 2024, "Revisiting subword tokenization".
 */
import { wordnet } from "../data/wordnet.ts";
import type { Random } from "../random.ts";

/** Prefixes, then one suffix, that negate in `affixalPairs`. */
export const negativeAffixes = ["un", "in", "im", "il", "ir", "non", "dis", "less"] as const;
export type NegativeAffix = (typeof negativeAffixes)[number];

export interface AffixedWord {
  word: string;
  /** What it begins with, or ends with where that is "less". */
  affix: NegativeAffix;
}

export interface AffixalPair extends AffixedWord {
  /** What the word denies: "happy" of "unhappy", "careful" of "careless". */
  positive: string;
}

/** What is left of a word without an affix: "happy" of "unhappy". Not defined where the word does not have the affix. */
export function withoutAffix(word: string, affix: NegativeAffix): string | undefined {
  if (affix === "less") return word.endsWith(affix) ? word.slice(0, -affix.length) : undefined;
  return word.startsWith(affix) ? word.slice(affix.length) : undefined;
}

/** Words of four to sixteen letters that WordNet has as antonyms of what is left without the affix (less: with "ful"). */
export function affixalPairs(): AffixalPair[] {
  pairs ??= findPairs();
  return pairs;
}
let pairs: AffixalPair[] | undefined;

function findPairs(): AffixalPair[] {
  const net = wordnet();
  const found = new Map<string, AffixalPair>();
  for (const { words, pointers } of net.synsets)
    for (const { relation, word: at, target, targetWord } of pointers) {
      if (relation !== "antonym") continue;
      // Antonyms are words, so that both numbers are there.
      const word = words[at]!;
      const positive = net.get(target)!.words[targetWord]!;
      if (!isPlain(word) || !isPlain(positive)) continue;
      const affix = negativeAffixes.find((each) => {
        const rest = withoutAffix(word, each);
        return rest !== undefined && positive === (each === "less" ? `${rest}ful` : rest);
      });
      if (affix) found.set(word, { word, affix, positive });
    }
  return [...found.values()];
}

/**
 * Words that begin or end like a negation but are none, "uncle" and "bless": in no pair, and what is left without the
 * affix is neither a word of WordNet nor an inflected or derived form of one. Of two affixes the first of `negativeAffixes` counts.
 */
export function pseudoAffixWords(): AffixedWord[] {
  pseudo ??= findPseudo();
  return pseudo;
}
let pseudo: AffixedWord[] | undefined;

function findPseudo(): AffixedWord[] {
  const net = wordnet();
  const negations = new Set(affixalPairs().map(({ word }) => word));
  const known = (word: string) => net.senses(word).length > 0;
  const found = new Map<string, AffixedWord>();
  for (const word of new Set(net.synsets.flatMap(({ words }) => words))) {
    if (!isPlain(word) || negations.has(word)) continue;
    const affix = negativeAffixes.find((each) => withoutAffix(word, each) !== undefined);
    if (!affix) continue;
    const rest = withoutAffix(word, affix)!;
    if (rest.length < 2 || formsOf(rest).some(known)) continue;
    // "uneasily" derives from "uneasy", whose rest is a word.
    if (formsOf(word).some((form) => negations.has(form))) continue;
    found.set(word, { word, affix });
  }
  return [...found.values()];
}

const endings =
  "s es d ed ing ly ally ness able ible ably ibly bility ability ibility ation tion ion ment er or ful y al ial ic ity ance ence ancy ency ant ent ive ive ous ial ized ised"
    .split(" ")
    .sort((a, b) => b.length - a.length);

/** A word and what it may be a form of, known words or not: "molested" of "molest", "happily" of "happy". */
function formsOf(word: string): string[] {
  const bases = endings.flatMap((ending) => {
    const base = word.slice(0, -ending.length);
    return word.endsWith(ending) && base.length >= 3 ? [base] : [];
  });
  return [word, ...bases].flatMap((base) => [
    base,
    `${base}e`,
    `${base}le`,
    base.replace(/i$/, "y"),
    base.replace(/(.)\1$/, "$1"),
  ]);
}

const isPlain = (word: string) => /^[a-z]{4,16}$/.test(word);

/**
 * Words that nobody has read, of a negative affix and an invented stem: "unblick", "stodless". No stem is a word of
 * WordNet, and none comes twice with one affix.
 *
 * @throws RangeError for a count that is no whole number of at least 0
 */
export function nonceWords({ count, random }: { count: number; random: Random }): AffixedWord[] {
  if (!(Number.isSafeInteger(count) && count >= 0))
    throw new RangeError(`nonceWords: count is ${count}; expected a whole number of at least 0`);
  const net = wordnet();
  const found = new Map<string, AffixedWord>();
  while (found.size < count) {
    const syllable = () => random.choice(onsets) + random.choice(nuclei) + random.choice(codas);
    const stem = random.next() < 0.5 ? syllable() : syllable() + syllable();
    const affix = random.choice(negativeAffixes);
    const word = affix === "less" ? stem + affix : affix + stem;
    if (net.senses(stem).length === 0 && net.senses(word).length === 0) found.set(word, { word, affix });
  }
  return [...found.values()];
}

const onsets = "b bl br c cl cr d dr f fl fr g gl gr l m n p pl pr r s sp st str t tr v w".split(" ");
const nuclei = "a e i o u oo ea ai".split(" ");
const codas = "b ck d ft g lt m mp n nd nt p rd rm sh sk st t x".split(" ");

/**
 * How a tokenizer treats a word's affix. "separated": it is a token of its own, at its end of the word. "whole": the word
 * is one token. "under": a longer token swallows it. "over": it is cut itself, and no token holds it.
 */
export type Segmentation = "separated" | "whole" | "under" | "over";

/**
 * The paper's categories: Correct is "separated"; Under-segmented joins "whole" and "under"; Over-segmented is "over".
 *
 *     segmentationCategory(["unh", "appy"], "un");  // "under"
 *
 * @param pieces the word's tokens in order, which joined are the word
 * @throws RangeError where the pieces joined do not have the affix, or one of them is empty
 */
export function segmentationCategory(pieces: readonly string[], affix: NegativeAffix): Segmentation {
  const word = pieces.join("");
  if (withoutAffix(word, affix) === undefined)
    throw new RangeError(`segmentationCategory: affix is "${affix}"; "${word}" does not have it`);
  if (pieces.includes(""))
    throw new RangeError(`segmentationCategory: pieces of "${word}" has an empty one; expected none`);
  if (pieces.length === 1) return "whole";
  const piece = pieces.at(affix === "less" ? -1 : 0)!;
  if (piece === affix) return "separated";
  return piece.length > affix.length ? "under" : "over";
}
