import normalQuantile from "@stdlib/stats-base-dists-normal-quantile";
import tQuantile from "@stdlib/stats-base-dists-t-quantile";
import { checkedLevel, type Interval } from "./intervals.ts";

export interface PoolingOptions {
  /** Confidence level. Default 0.95. */
  level?: number;
  /**
   * "normal": the classic interval, too narrow with few tasks. "hartung-knapp": Student's t with a
   * variance taken from the spread of the effects (Hartung and Knapp 2001), advised below 20 tasks.
   * Default "normal".
   */
  interval?: "normal" | "hartung-knapp";
}

export interface Pooled extends Interval {
  /** Variance of the true effects between tasks, in squared units of the effect. */
  between: number;
  /** Cochran's Q: weighted squared deviations from the fixed-effect mean. */
  q: number;
  /** Share of the spread that is not chance, 0 to 1: max(0, (Q - k + 1) / Q). */
  i2: number;
}

/**
 * Pools the effects of several tasks, whose true effects may differ (random effects), with weights
 * 1 / (variance + between). Source: DerSimonian and Laird 1986, "Meta-Analysis in Clinical Trials".
 *
 * @param effects one a task
 * @param variances squared standard error of each effect, above 0
 */
export function randomEffects(
  effects: ArrayLike<number>,
  variances: ArrayLike<number>,
  options: PoolingOptions = {},
): Pooled {
  const level = checkedLevel(options.level);
  const k = effects.length;
  if (k === 0 || variances.length !== k)
    throw new RangeError(`randomEffects: ${k} effects with ${variances.length} variances`);
  const within = Array.from(variances, (variance, i) => {
    if (!(variance > 0 && variance < Infinity))
      throw new RangeError(`randomEffects: variance ${i} is ${variance}, it must be above 0 and finite`);
    return variance;
  });

  const sum = (term: (i: number) => number) => within.reduce((total, _, i) => total + term(i), 0);
  const fixed = within.map((variance) => 1 / variance);
  const fixedTotal = sum((i) => fixed[i]);
  const fixedMean = sum((i) => fixed[i] * effects[i]) / fixedTotal;
  const q = sum((i) => fixed[i] * (effects[i] - fixedMean) ** 2);
  const scale = fixedTotal - sum((i) => fixed[i] ** 2) / fixedTotal;
  const between = k > 1 ? Math.max(0, (q - (k - 1)) / scale) : 0;

  const weights = within.map((variance) => 1 / (variance + between));
  const weightTotal = sum((i) => weights[i]);
  const estimate = sum((i) => weights[i] * effects[i]) / weightTotal;
  let margin = normalQuantile((1 + level) / 2, 0, 1) / Math.sqrt(weightTotal);
  if (options.interval === "hartung-knapp") {
    const spread = sum((i) => weights[i] * (effects[i] - estimate) ** 2) / ((k - 1) * weightTotal);
    margin = k > 1 ? tQuantile((1 + level) / 2, k - 1) * Math.sqrt(spread) : Number.POSITIVE_INFINITY;
  }
  const i2 = q > 0 ? Math.max(0, (q - (k - 1)) / q) : 0;
  return { estimate, low: estimate - margin, high: estimate + margin, between, q, i2 };
}
