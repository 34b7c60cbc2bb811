/**
 * Intervals and tests over repeated splits of the same rows. Their training parts overlap, so their results vary
 * less than those of fresh data would: the variance is enlarged by what Nadeau and Bengio ("Inference for the
 * Generalization Error", 2003, section 3) derive, (1/n + test rows / training rows) in place of 1/n.
 */
import { differences, type Interval, mean, meanInterval } from "nearmiss/stats";

/** Ratio of rows tested on to rows trained on, in every repetition. */
export interface Resampling {
  ratio: number;
}

/** Interval of the mean over repeated splits. Of fewer than two values nothing is known: infinite ends. */
export function resampledInterval(values: ArrayLike<number>, { ratio }: Resampling, level = 0.95): Interval {
  const { estimate, high } = meanInterval(values, { level });
  if (values.length < 2) return { estimate, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const margin = (high - estimate) * Math.sqrt(1 + values.length * ratio);
  return { estimate, low: estimate - margin, high: estimate + margin };
}

export interface Difference extends Interval {
  /** Two-sided. */
  p: number;
}

/** The paired difference a − b over repeated splits, with the p of the t test that belongs to its interval. */
export function resampledDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  resampling: Resampling,
): Difference {
  const values = differences(a, b);
  return { ...resampledInterval(values, resampling), p: pValue(values, resampling) };
}

/** 1 less the level of the widest interval that leaves 0 out, which is what a p-value is. */
function pValue(values: Float64Array, resampling: Resampling): number {
  if (values.length < 2 || mean(values) === 0) return 1;
  // Without any spread the t test knows no doubt; that equal signs are chance has this probability still.
  if (values.every((value) => value === values[0])) return 2 ** (1 - values.length);
  const leavesOut = (p: number) => {
    const { low, high } = resampledInterval(values, resampling, 1 - p);
    return low > 0 || high < 0;
  };
  // Bisection of the logarithm; 1 - 1e-15 is about the last level below 1.
  let [never, always] = [1e-15, 1 - 1e-12];
  if (leavesOut(never)) return never;
  for (let i = 0; i < 60; i++) {
    const middle = Math.sqrt(never * always);
    if (leavesOut(middle)) always = middle;
    else never = middle;
  }
  return always;
}
