/**
 * Counts of two groups, x ~ NB(mean μ_g, dispersion α) with variance μ + α μ²: log μ_0 = m, log μ_1 = m + β, one α. What is
 * asked is mostly whether β, the log fold change, is 0.
 */
import gammaln from "@stdlib/math-base-special-gammaln";
import normalCdf from "@stdlib/stats-base-dists-normal-cdf";
import tCdf from "@stdlib/stats-base-dists-t-cdf";
import { mean, variance } from "../stats/index.ts";

/**
 * log p(x) = ln Γ(x + r) − ln Γ(r) − ln x! + r ln(r / (r + μ)) + x ln(μ / (r + μ)), r = 1 / α: nats. At α = 0 it is
 * Poisson's, and it nears that smoothly.
 *
 * @param x A count, a whole number of at least 0.
 * @param mean μ, above 0.
 * @param dispersion α, at least 0.
 */
export function negativeBinomialLogPmf(x: number, mean: number, dispersion: number): number {
  if (!(Number.isInteger(x) && x >= 0))
    throw new RangeError(`negativeBinomialLogPmf: x is ${x}; expected a whole number of at least 0`);
  if (!(mean > 0 && Number.isFinite(mean)))
    throw new RangeError(`negativeBinomialLogPmf: mean is ${mean}; expected a number above 0`);
  if (!(dispersion >= 0 && Number.isFinite(dispersion)))
    throw new RangeError(`negativeBinomialLogPmf: dispersion is ${dispersion}; expected at least 0`);
  return x * Math.log(mean) - gammaln(x + 1) + excess(x, mean, dispersion);
}

/**
 * What depends on α: Σ_{k<x} ln(1 + α k) − (x + 1/α) ln(1 + α μ). The sum is a difference of two log-gammas; of large 1/α
 * they would lose their digits, so there Stirling's series is subtracted by hand.
 */
function excess(x: number, mean: number, dispersion: number): number {
  const over = (y: number) => (dispersion === 0 ? y : Math.log1p(dispersion * y) / dispersion);
  const r = 1 / dispersion;
  const rise =
    dispersion > 1e-5
      ? gammaln(x + r) - gammaln(r) + x * Math.log(dispersion)
      : over(x) -
        x +
        (x - 0.5) * Math.log1p(dispersion * x) +
        (dispersion / 12) * (1 / (1 + dispersion * x) - 1);
  return rise - x * Math.log1p(dispersion * mean) - over(mean);
}

/** Estimates of a two-group model. */
export interface TwoGroupFit {
  /** m, log of the first group's mean. */
  logMean: number;
  /** β, log of the second group's mean over the first's. */
  logFoldChange: number;
  /** α */
  dispersion: number;
  /** Of β: √Σ_g (1 / μ_g + α) / n_g. */
  standardError: number;
}

/**
 * By moments: means, and the pooled α = max(0, Σ_g (n_g − 1) (v_g − μ_g) / Σ_g (n_g − 1) μ_g²) with variances v_g. A group
 * without any count gets the mean of half a count, so that its logarithm is finite.
 *
 * @param first Counts of group 0, at least one.
 * @param second Counts of group 1, at least one; three or more in all.
 */
export function negativeBinomialMoments(first: ArrayLike<number>, second: ArrayLike<number>): TwoGroupFit {
  const groups = requireGroups("negativeBinomialMoments", first, second);
  let [excessVariance, squares] = [0, 0];
  for (const counts of groups) {
    const [freedom, center] = [counts.length - 1, mean(counts)];
    if (freedom === 0) continue;
    excessVariance += freedom * (variance(counts) - center);
    squares += freedom * center ** 2;
  }
  return fitOf(groups, squares > 0 ? Math.max(0, excessVariance / squares) : 0);
}

/**
 * By maximum likelihood. For every α the likeliest means are those of the groups, so only log α is searched for, between
 * −12 and 4: on a grid, then by golden section. α is 0 where nothing within is likelier.
 *
 * @param first Counts of group 0, at least one.
 * @param second Counts of group 1, at least one; three or more in all.
 */
export function negativeBinomialMle(first: ArrayLike<number>, second: ArrayLike<number>): TwoGroupFit {
  const groups = requireGroups("negativeBinomialMle", first, second);
  const means = groups.map(meanOf);
  const likelihood = (dispersion: number) => {
    let total = 0;
    groups.forEach((counts, g) => {
      for (let i = 0; i < counts.length; i++) total += excess(counts[i]!, means[g]!, dispersion);
    });
    return total;
  };
  const at = (place: number) => likelihood(Math.exp(place));
  const [low, high, step] = [-12, 4, 1];
  let best = low;
  let bestValue = at(low);
  for (let place = low + step; place <= high; place += step) {
    const value = at(place);
    if (value > bestValue) [best, bestValue] = [place, value];
  }
  const place = goldenSection(at, Math.max(low, best - step), Math.min(high, best + step));
  return fitOf(groups, at(place) > likelihood(0) ? Math.exp(place) : 0);
}

/** Where a function with one maximum between two ends has it. */
function goldenSection(f: (x: number) => number, low: number, high: number): number {
  const share = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [low, high];
  let [left, right] = [b - share * (b - a), a + share * (b - a)];
  let [atLeft, atRight] = [f(left), f(right)];
  while (b - a > 1e-6) {
    if (atLeft >= atRight) {
      [b, right, atRight] = [right, left, atLeft];
      left = b - share * (b - a);
      atLeft = f(left);
    } else {
      [a, left, atLeft] = [left, right, atRight];
      right = a + share * (b - a);
      atRight = f(right);
    }
  }
  return (a + b) / 2;
}

/**
 * Whether β is 0, by Wald's test: β over its standard error, against a normal distribution, or Student's t where degrees of
 * freedom are given (n_0 + n_1 − 2 keep small samples near the nominal level).
 *
 * @returns The statistic and its two-sided p.
 */
export function waldTest(
  { logFoldChange, standardError }: Pick<TwoGroupFit, "logFoldChange" | "standardError">,
  { degreesOfFreedom = Number.POSITIVE_INFINITY }: { degreesOfFreedom?: number } = {},
): { statistic: number; p: number } {
  if (!(standardError > 0))
    throw new RangeError(`waldTest: standardError is ${standardError}; expected a number above 0`);
  if (!(degreesOfFreedom > 0))
    throw new RangeError(`waldTest: degreesOfFreedom is ${degreesOfFreedom}; expected a number above 0`);
  const statistic = logFoldChange / standardError;
  const far = -Math.abs(statistic);
  const tail = Number.isFinite(degreesOfFreedom) ? tCdf(far, degreesOfFreedom) : normalCdf(far, 0, 1);
  return { statistic, p: 2 * tail };
}

/** √Σ_g (1 / μ_g + α) / n_g: the standard error of β at given parameters (from Fisher's information). */
export function foldChangeError(
  { logMean, logFoldChange, dispersion }: Omit<TwoGroupFit, "standardError">,
  sizes: readonly [number, number],
): number {
  const [first, second] = [1 / Math.exp(logMean), 1 / Math.exp(logMean + logFoldChange)];
  return Math.sqrt((first + dispersion) / sizes[0] + (second + dispersion) / sizes[1]);
}

const meanOf = (counts: Float64Array) => mean(counts) || 0.5 / counts.length;

function fitOf(groups: [Float64Array, Float64Array], dispersion: number): TwoGroupFit {
  const [first, second] = groups.map((counts) => Math.log(meanOf(counts))) as [number, number];
  const fit = { logMean: first, logFoldChange: second - first, dispersion };
  return { ...fit, standardError: foldChangeError(fit, [groups[0].length, groups[1].length]) };
}

function requireGroups(name: string, ...groups: [ArrayLike<number>, ArrayLike<number>]) {
  const [first, second] = groups;
  if (first.length === 0 || second.length === 0 || first.length + second.length < 3)
    throw new RangeError(
      `${name}: groups have ${first.length} and ${second.length} counts; expected at least one each and three in all`,
    );
  return groups.map((counts, g) => {
    const numbers = Float64Array.from(counts);
    const bad = numbers.findIndex((x) => !(Number.isInteger(x) && x >= 0));
    if (bad >= 0)
      throw new RangeError(
        `${name}: ${g === 0 ? "first" : "second"}[${bad}] is ${numbers[bad]}; expected a whole number of at least 0`,
      );
    return numbers;
  }) as [Float64Array, Float64Array];
}
