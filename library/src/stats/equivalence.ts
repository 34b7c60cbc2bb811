import tCdf from "@stdlib/stats-base-dists-t-cdf";
import { type Interval, meanInterval } from "./intervals.ts";
import { mean, standardError } from "./moments.ts";

export interface EquivalenceOptions {
  /** Largest difference that still counts as equal, above 0, in the metric's units. */
  margin: number;
  /** Significance level α of the test. Default 0.05. */
  alpha?: number;
}

export interface Equivalence {
  /** The larger of the two one-sided p values: the chance of such data at a true difference of ± margin. */
  p: number;
  /** p < α: the mean difference lies within the margin. The same as `interval` lying inside of it. */
  equivalent: boolean;
  /** The interval of level 1 − 2α, 90 % by default. */
  interval: Interval;
}

/**
 * Two one-sided tests of paired differences: whether two methods are equal up to a margin. A difference that
 * is not significant does not show that; few data leave it open, and then this test says no.
 *
 * Source: Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach for
 * assessing the equivalence of average bioavailability".
 *
 * @param differences at least two, of equal seeds or queries
 */
export function equivalenceTest(
  differences: ArrayLike<number>,
  { margin, alpha = 0.05 }: EquivalenceOptions,
): Equivalence {
  if (!(margin > 0 && margin < Infinity))
    throw new RangeError(`equivalenceTest: margin is ${margin}; expected a number above 0`);
  if (!(alpha > 0 && alpha < 0.5))
    throw new RangeError(`equivalenceTest: alpha is ${alpha}; expected above 0 and below 0.5`);
  if (differences.length < 2)
    throw new RangeError(`equivalenceTest: ${differences.length} differences; expected at least 2`);
  const interval = meanInterval(differences, { level: 1 - 2 * alpha });
  const error = standardError(differences);
  const inside = margin - Math.abs(mean(differences));
  // Of the two tests the one at the nearer end decides.
  const p = error === 0 ? (inside > 0 ? 0 : 1) : tCdf(-inside / error, differences.length - 1);
  return { p, equivalent: p < alpha, interval };
}
