import chiSquareQuantile from "@stdlib/stats-base-dists-chisquare-quantile";
import normalCdf from "@stdlib/stats-base-dists-normal-cdf";
import tQuantile from "@stdlib/stats-base-dists-t-quantile";

export interface PowerOptions {
  /** True mean of the paired difference, in the metric's units. */
  effect: number;
  /** Standard deviation of the paired difference over seeds, same units. */
  deviation: number;
  /** Two-sided significance level. Default 0.05. */
  alpha?: number;
}

/**
 * Chance that the two-sided paired t test over `seeds` seeds finds the effect: that the interval of
 * the mean difference leaves out 0. Tails of the noncentral t distribution, as the normal tail given
 * the sample deviation, averaged over the deviation's distribution by the midpoint rule; error below 0.001.
 */
export function power(seeds: number, options: PowerOptions): number {
  const { effect, deviation, alpha = 0.05 } = options;
  if (!(Number.isSafeInteger(seeds) && seeds >= 2))
    throw new RangeError(`power: seeds ${seeds} must be an integer of at least 2`);
  if (!(deviation > 0)) throw new RangeError(`power: deviation ${deviation} must be above 0`);
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`power: alpha ${alpha} must be between 0 and 1`);
  const freedom = seeds - 1;
  const critical = tQuantile(1 - alpha / 2, freedom);
  const shift = (effect / deviation) * Math.sqrt(seeds);
  const points = 500;
  let sum = 0;
  for (let i = 0; i < points; i++) {
    const ratio = Math.sqrt(chiSquareQuantile((i + 0.5) / points, freedom) / freedom);
    sum += normalCdf(shift - critical * ratio, 0, 1) + normalCdf(-shift - critical * ratio, 0, 1);
  }
  return sum / points;
}

/**
 * Fewest seeds with which the paired t test finds the effect with at least the wanted chance.
 *
 * @param options.power wanted chance. Default 0.8.
 * @throws RangeError for an effect of 0, which no number of seeds can find, and where 2^24 are too few
 */
export function seedsNeeded(options: PowerOptions & { power?: number }): number {
  const { power: wanted = 0.8, effect } = options;
  if (!(wanted > 0 && wanted < 1))
    throw new RangeError(`seedsNeeded: power ${wanted} must be between 0 and 1`);
  if (!(Math.abs(effect) > 0)) throw new RangeError(`seedsNeeded: effect ${effect} must differ from 0`);
  // Power rises with the number of seeds: double until it is enough, then halve the gap.
  let enough = 2;
  while (power(enough, options) < wanted) {
    enough *= 2;
    if (enough > 2 ** 24)
      throw new RangeError(
        `seedsNeeded: an effect of ${effect} at a deviation of ${options.deviation} needs more than 2^24 seeds`,
      );
  }
  let tooFew = enough / 2;
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (power(middle, options) >= wanted) enough = middle;
    else tooFew = middle;
  }
  return enough;
}
