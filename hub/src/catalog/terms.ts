/** What search compares of a text: the stems of its words. */
// By its file: `nearmiss/text` as a whole loads random numbers, and search answers at once without them.
import { words } from "nearmiss/text/words";
import { stem } from "./stem.ts";
import { foldLetters } from "./titles.ts";

/** The words of a text, in lower case without diacritics. */
export const searchWords = (text: string): string[] => words(foldLetters(text));

/** The terms of a text: the stem of each word, in order. */
export const termsOf = (text: string): string[] => searchWords(text).map(term);

/** The term of a word that `searchWords` has given. */
export function term(word: string): string {
  let known = stems.get(word);
  if (known === undefined) {
    known = stem(word);
    // Texts repeat their words, but a stranger's queries may be anything.
    if (stems.size < mostStems) stems.set(word, known);
  }
  return known;
}

const stems = new Map<string, string>();
const mostStems = 200_000;

/**
 * Words that say nothing of what is looked for, in what people type: "how do I deal with …", "papers like …".
 * "no" and "not" stay: some papers are on negation.
 */
export const stopWords: ReadonlySet<string> = new Set(
  `a about an and any are as at be because been but by can could did do does for from had has have he her his
  how i if in into is it its just like may me might more most much my need of on one only or our out over own
  paper papers she should similar so some something such than that the their them then there these they thing
  this those to up us very want was way we were what when where which while who whom why will with would you
  your`.split(/\s+/),
);

const stopTerms: ReadonlySet<string> = new Set([...stopWords].map(term));

/** Whether a term is that of a stop word. */
export const isStopTerm = (name: string): boolean => stopTerms.has(name);
