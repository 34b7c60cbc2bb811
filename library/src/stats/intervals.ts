import normalQuantile from "@stdlib/stats-base-dists-normal-quantile";
import tQuantile from "@stdlib/stats-base-dists-t-quantile";
import { differences, mean, standardError } from "./moments.ts";

/** An estimate and its confidence interval, in the units of the sample. */
export interface Interval {
  estimate: number;
  low: number;
  high: number;
}

export interface LevelOptions {
  /** Confidence level. Default 0.95. */
  level?: number;
}

/**
 * Student's t interval of a mean: mean ± t · standard error, n - 1 degrees of freedom. With fewer than
 * two values nothing is known of their spread: the ends are infinite.
 */
export function meanInterval(sample: ArrayLike<number>, options: LevelOptions = {}): Interval {
  const level = checkedLevel(options.level);
  const estimate = mean(sample);
  if (sample.length < 2) return { estimate, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const margin = tQuantile((1 + level) / 2, sample.length - 1) * standardError(sample);
  return { estimate, low: estimate - margin, high: estimate + margin };
}

/** Student's t interval of the mean of a minus b over pairs: equal seeds, equal queries. */
export function pairedInterval(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: LevelOptions = {},
): Interval {
  return meanInterval(differences(a, b), options);
}

/** Wilson's score interval (1927) of a share: right also for shares of 0 and 1 and for few trials. */
export function proportionInterval(successes: number, trials: number, options: LevelOptions = {}): Interval {
  if (!(trials > 0 && successes >= 0 && successes <= trials))
    throw new RangeError(`proportionInterval: ${successes} successes of ${trials} trials are no share`);
  const z = normalQuantile((1 + checkedLevel(options.level)) / 2, 0, 1);
  const share = successes / trials;
  const center = (successes + z ** 2 / 2) / (trials + z ** 2);
  const margin = (z / (trials + z ** 2)) * Math.sqrt(trials * share * (1 - share) + z ** 2 / 4);
  return {
    estimate: share,
    // Exact at the ends, where rounding would leave a speck.
    low: successes === 0 ? 0 : center - margin,
    high: successes === trials ? 1 : center + margin,
  };
}

/** The level, or 0.95; refused outside 0 to 1. */
export function checkedLevel(level = 0.95): number {
  if (!(level > 0 && level < 1)) throw new RangeError(`level ${level} must be between 0 and 1`);
  return level;
}
