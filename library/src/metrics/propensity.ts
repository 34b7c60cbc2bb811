/** Precision that counts rare labels for more, as they are the ones that go unnoticed in the data. */
import type { JudgedRanking } from "./ranking.ts";

export interface PropensityOptions {
  /** A. Default 0.55; 0.6 for Amazon data, 0.5 for Wikipedia. */
  exponent?: number;
  /** B. Default 1.5; 2.6 for Amazon data, 0.4 for Wikipedia. */
  offset?: number;
}

/**
 * One over the chance that a relevant label was noticed: 1 + C (N_l + B)^−A with C = (ln N − 1)(B + 1)^A.
 *
 * Source: Jain, Prabhu and Varma, "Extreme multi-label loss functions for recommendation, tagging, ranking and
 * other missing label applications" (2016), section 4.
 *
 * @param counts N_l, how many training examples have the label, [labels]
 * @param examples N, the number of training examples
 * @returns [labels]
 */
export function inversePropensities(
  counts: ArrayLike<number>,
  examples: number,
  { exponent = 0.55, offset = 1.5 }: PropensityOptions = {},
): Float64Array {
  if (!(examples >= 1))
    throw new RangeError(`inversePropensities: examples is ${examples}; expected 1 or more`);
  const factor = (Math.log(examples) - 1) * (offset + 1) ** exponent;
  return Float64Array.from(counts, (count) => 1 + factor * (count + offset) ** -exponent);
}

/**
 * Propensity-scored precision (PSP@k): the sum of the inverse propensities of the relevant labels among the first k
 * of all rankings, by the largest that any rankings could reach.
 *
 * @param rankings labels, best first, with the relevant ones
 * @param inverse inverse propensity of each label
 */
export function propensityPrecisionAtK(
  rankings: readonly JudgedRanking[],
  inverse: ArrayLike<number>,
  k: number,
): number {
  if (!(Number.isSafeInteger(k) && k > 0))
    throw new RangeError(`propensityPrecisionAtK: k is ${k}; expected a positive integer`);
  let [reached, most] = [0, 0];
  for (const { documents, grades } of rankings) {
    for (let i = 0; i < Math.min(k, documents.length); i++)
      if ((grades.get(documents[i]!) ?? 0) > 0) reached += inverse[documents[i]!]!;
    const best = [...grades].flatMap(([label, grade]) => (grade > 0 ? [inverse[label]!] : []));
    for (const value of best.sort((a, b) => b - a).slice(0, k)) most += value;
  }
  return most === 0 ? 0 : reached / most;
}
