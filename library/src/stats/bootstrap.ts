import normalCdf from "@stdlib/stats-base-dists-normal-cdf";
import normalQuantile from "@stdlib/stats-base-dists-normal-quantile";
import type { Random } from "../random.ts";
import { checkedLevel, type Interval } from "./intervals.ts";
import { mean, quantile } from "./moments.ts";

export interface BootstrapOptions {
  random: Random;
  /** Number of resamples. Default 2000. */
  resamples?: number;
  /** Confidence level. Default 0.95. */
  level?: number;
  /**
   * "bca" corrects for bias and skewness (Efron 1987) at the price of `count` more evaluations;
   * "percentile" takes the quantiles of the resamples as they are. Default "bca".
   */
  method?: "bca" | "percentile";
}

const MOST_DRAWS = 100;

/**
 * Bootstrap interval of any statistic of independent units. The statistic gets the indices of the
 * units to compute on, so pairs, queries or whole documents can be what is resampled:
 *
 *     bootstrapInterval(n, (units) => rocAuc(take(scores, units), take(labels, units)), { random });
 *
 * @param count number of units
 * @param statistic indices of units, with repeats, to a number; a resample for which it is NaN (an area
 *   under a curve, where it drew one class only) is drawn again
 */
export function bootstrapInterval(
  count: number,
  statistic: (units: Int32Array) => number,
  options: BootstrapOptions,
): Interval {
  const { random, resamples = 2000, method = "bca" } = options;
  const level = checkedLevel(options.level);
  if (!(Number.isSafeInteger(count) && count >= 1))
    throw new RangeError(`bootstrapInterval: count ${count} must be an integer of at least 1`);
  if (!(Number.isSafeInteger(resamples) && resamples >= 1))
    throw new RangeError(`bootstrapInterval: resamples ${resamples} must be an integer of at least 1`);

  const all = Int32Array.from({ length: count }, (_, i) => i);
  const estimate = statistic(all);
  const units = new Int32Array(count);
  const values = Float64Array.from({ length: resamples }, () => {
    for (let draw = 0; draw < MOST_DRAWS; draw++) {
      for (let i = 0; i < count; i++) units[i] = random.integer(0, count);
      const value = statistic(units);
      if (!Number.isNaN(value)) return value;
    }
    throw new RangeError(
      `bootstrapInterval: the statistic is NaN on ${MOST_DRAWS} resamples in a row; expected a number`,
    );
  });
  const tails = [(1 - level) / 2, (1 + level) / 2];
  const [low, high] = (method === "bca" ? corrected(tails, values, estimate, all, statistic) : tails).map(
    (tail) => quantile(values, tail),
  );
  return { estimate, low, high };
}

/** Efron's bias-corrected and accelerated tails: Φ(z0 + (z0 + z) / (1 - a (z0 + z))). */
function corrected(
  tails: number[],
  values: Float64Array,
  estimate: number,
  all: Int32Array,
  statistic: (units: Int32Array) => number,
): number[] {
  let below = 0;
  for (const value of values) below += value < estimate ? 1 : value === estimate ? 0.5 : 0;
  // A share of 0 or 1 would put the tails at infinity.
  const share = Math.min(Math.max(below, 0.5), values.length - 0.5) / values.length;
  const bias = normalQuantile(share, 0, 1);
  const acceleration = skewness(all, statistic);
  return tails.map((tail) => {
    const z = bias + normalQuantile(tail, 0, 1);
    return normalCdf(bias + z / (1 - acceleration * z), 0, 1);
  });
}

/** A sixth of the skewness of the jackknife's values, each leaving one unit out. */
function skewness(all: Int32Array, statistic: (units: Int32Array) => number): number {
  if (all.length < 2) return 0;
  const left = Float64Array.from(all, (unit) => statistic(all.filter((other) => other !== unit)));
  const center = mean(left);
  const squares = left.reduce((sum, value) => sum + (center - value) ** 2, 0);
  const cubes = left.reduce((sum, value) => sum + (center - value) ** 3, 0);
  return squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
}
