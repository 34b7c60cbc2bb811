export interface ScorePairOptions {
  /** The least difference of scores, at least 0; equal scores never make a pair. Default: 0.2. */
  minGap?: number;
  /** How many pairs at most. Default: 2. */
  maxPairs?: number;
  /** Whether two candidates are too much alike to be told apart, for instance boxes that overlap. Default: never. */
  alike?: (a: number, b: number) => boolean;
}

export interface ScorePair {
  /** Numbers of the candidates. */
  chosen: number;
  rejected: number;
  /** Difference of their scores. */
  gap: number;
}

/**
 * Pairs for preference optimisation out of scored candidates of one prompt, the widest gaps first (of equal ones those
 * of earlier candidates). A candidate may stand in several pairs.
 *
 * Source: the construction of pairs in Zhao et al., "Unsupervised Visual Chain-of-Thought Reasoning via Preference
 * Optimization" (2025), algorithm 1.
 *
 * @param scores One a candidate, higher being better.
 * @throws RangeError for a score that is no number, or options out of range.
 */
export function scorePairs(
  scores: ArrayLike<number>,
  { minGap = 0.2, maxPairs = 2, alike = () => false }: ScorePairOptions = {},
): ScorePair[] {
  if (!(minGap >= 0))
    throw new RangeError(`scorePairs: minGap is ${minGap}; expected a number of at least 0`);
  if (!(Number.isSafeInteger(maxPairs) && maxPairs >= 1))
    throw new RangeError(`scorePairs: maxPairs is ${maxPairs}; expected a whole number of at least 1`);
  const pairs: ScorePair[] = [];
  for (let chosen = 0; chosen < scores.length; chosen++) {
    if (!Number.isFinite(scores[chosen]))
      throw new RangeError(
        `scorePairs: scores holds ${scores[chosen]} at ${chosen}; expected finite numbers`,
      );
    for (let rejected = 0; rejected < scores.length; rejected++) {
      const gap = scores[chosen]! - scores[rejected]!;
      if (gap > 0 && gap >= minGap && !alike(chosen, rejected)) pairs.push({ chosen, rejected, gap });
    }
  }
  return pairs.sort((a, b) => b.gap - a.gap).slice(0, maxPairs);
}
