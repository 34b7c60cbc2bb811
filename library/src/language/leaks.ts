/** Whether a text gives an answer away, also where it is spelt a little otherwise. */
import { commonSubsequence, words } from "../text/index.ts";

/**
 * How alike two texts are, 0 to 1: twice the length of their longest common subsequence over their lengths together.
 * It is the ratio of Python's Levenshtein package; that of difflib is at most as large.
 *
 *     matchRatio("color", "colour")  // 10 / 11
 *
 * @returns 1 for two empty texts.
 */
export function matchRatio(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  const matches = commonSubsequence(x, y).reduce((sum, at) => sum + (at >= 0 ? 1 : 0), 0);
  return x.length + y.length === 0 ? 1 : (2 * matches) / (x.length + y.length);
}

export interface LeakOptions {
  /** Words that are more alike than this count as the same: see `matchRatio`. Default: 0.8. */
  similarity?: number;
  /** Whether one word of the answer is enough, or all are wanted. Default: "any". */
  match?: "any" | "all";
  /** Further pairs that count as the same, such as synonyms: of a word of the answer and one of the text. */
  same?: (answer: string, word: string) => boolean;
}

/**
 * Whether a text names an answer: whether its words, in lower case, without accents and punctuation, are or resemble
 * words of the answer.
 *
 *     leaks("It must be PARIS.", "Paris")  // true
 *
 * Source: Sinha, Mandal and Kankanhalli, "UnStar: Unlearning with Self-Taught Anti-Sample Reasoning for LLMs" (2024).
 * Their code also counts numbers in words and figures, synonyms of WordNet, and words whose embeddings have a cosine
 * above 0.6; these are for `same`.
 *
 * @throws RangeError for an answer without words and for a similarity outside of 0 to 1.
 */
export function leaks(
  text: string,
  answer: string,
  { similarity = 0.8, match = "any", same = () => false }: LeakOptions = {},
): boolean {
  const wanted = words(answer);
  if (wanted.length === 0)
    throw new RangeError(`leaks: answer is ${JSON.stringify(answer)}; expected one with at least a word`);
  if (!(similarity >= 0 && similarity <= 1))
    throw new RangeError(`leaks: similarity is ${similarity}; expected 0 to 1`);
  if (match !== "any" && match !== "all")
    throw new RangeError(`leaks: match is ${JSON.stringify(match)}; expected "any" or "all"`);
  const said = words(text);
  const named = (want: string) =>
    said.some((word) => word === want || matchRatio(want, word) > similarity || same(want, word));
  return match === "any" ? wanted.some(named) : wanted.every(named);
}
