/** Words as negatives, and which occurrences of frequent words to leave out. */
import { type AliasTable, aliasTable } from "../random.ts";

export interface UnigramOptions {
  /** Counts are raised to it: 0 is uniform, 1 in proportion to the counts. Default: 0.75. */
  power?: number;
}

/**
 * The noise distribution of negative sampling, P_n(w) ∝ count(w)^power.
 *
 * Source: Mikolov et al. (2013), section 2.2.
 *
 * @param counts At least 0, not all 0.
 * @returns Probabilities, [words]; `unigramSampler` draws from them.
 */
export function unigramProbabilities(
  counts: ArrayLike<number>,
  { power = 0.75 }: UnigramOptions = {},
): Float64Array {
  if (!(power >= 0 && power < Infinity))
    throw new RangeError(`unigramProbabilities: power is ${power}; expected a number of at least 0`);
  // A word that never occurs is not drawn, not even with power 0.
  const weights = Float64Array.from(counts, (count, word) => {
    if (!(count >= 0 && count < Infinity))
      throw new RangeError(`unigramProbabilities: counts[${word}] is ${count}; expected at least 0`);
    return count === 0 ? 0 : count ** power;
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) throw new RangeError("unigramProbabilities: counts are all 0; expected one above 0");
  return weights.map((weight) => weight / total);
}

/** Draws words from `unigramProbabilities`, each in constant time. */
export const unigramSampler = (counts: ArrayLike<number>, options?: UnigramOptions): AliasTable =>
  aliasTable(unigramProbabilities(counts, options));

export interface SubsampleOptions {
  /** t: words of a smaller relative frequency are always kept. Default: 1e-5, for billions of words. */
  threshold?: number;
  /** "paper" (default), √(t / f), or "program", (√(f / t) + 1) t / f, of the authors' C program, which keeps more. */
  variant?: "paper" | "program";
}

/**
 * The probability with which an occurrence of a word is kept, before windows are formed.
 *
 * Source: Mikolov et al. (2013), equation 5, and the released word2vec.c.
 *
 * @param frequency The word's share of all occurrences, above 0, at most 1.
 */
export function subsampleKeepProbability(
  frequency: number,
  { threshold = 1e-5, variant = "paper" }: SubsampleOptions = {},
): number {
  if (!(frequency > 0 && frequency <= 1))
    throw new RangeError(
      `subsampleKeepProbability: frequency is ${frequency}; expected a number above 0, at most 1`,
    );
  if (!(threshold > 0))
    throw new RangeError(`subsampleKeepProbability: threshold is ${threshold}; expected a number above 0`);
  if (variant !== "paper" && variant !== "program")
    throw new RangeError(
      `subsampleKeepProbability: variant is ${JSON.stringify(variant)}; expected "paper" or "program"`,
    );
  const ratio = threshold / frequency;
  return Math.min(1, variant === "paper" ? Math.sqrt(ratio) : Math.sqrt(ratio) + ratio);
}
