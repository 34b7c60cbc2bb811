/**
 * Conformal prediction and risk control: a threshold from calibration examples that holds a promise on
 * new ones, whatever the model. The promise is marginal: on average over calibration sets and test
 * examples. It needs calibration examples that the model was not fitted to and that are exchangeable
 * with the test examples, or weights that say how they differ.
 */

/** Losses of n calibration examples at m values of a parameter λ. */
export interface LossTable {
  /** Rising, [m]. The larger λ, the more cautious the prediction. */
  lambdas: ArrayLike<number>;
  /** [n, m], row by row: not rising along a row, at most `bound`. */
  losses: ArrayLike<number>;
}

export interface RiskOptions {
  /** The risk that is allowed, in the units of the loss. */
  alpha: number;
  /** B, the largest loss that can occur. Default: 1. */
  bound?: number;
}

export interface RiskControl {
  /** The chosen parameter. */
  lambda: number;
  /** Its place among `lambdas`. */
  index: number;
  /** Mean (or weighted mean) calibration loss there. */
  empiricalRisk: number;
  /**
   * The same with a loss of B for the example to come. Above α where no λ will do: `lambda` is then
   * the largest, and the promise holds only if the loss there is at most α for certain.
   */
  correctedRisk: number;
}

/**
 * Conformal risk control: the smallest λ whose calibration risk, corrected for one unseen example, is
 * at most α: n/(n+1) · R̂(λ) + B/(n+1) ≤ α. The expected loss of a new exchangeable example is then at
 * most α, and at least α − 2B/(n+1) if losses are independent and the risk has no jumps.
 *
 * Source: Angelopoulos, Bates, Fisch, Lei and Schuster, "Conformal Risk Control" (2022), equation 4,
 * theorems 1 and 2.
 *
 * @throws RangeError for a table that does not fit its lambdas, for losses that are NaN or above
 *   `bound`, and where the risk rises with λ (see `monotonize`).
 */
export function riskControl(table: LossTable, options: RiskOptions): RiskControl {
  const { examples } = checkedTable("riskControl", table, options);
  return weightedRiskControl(table, new Float64Array(examples).fill(1), options)(1);
}

/**
 * Risk control under covariate shift: calibration example i counts with weight w(xᵢ), the test example
 * with w(x), where w is the ratio of test to calibration density. λ̂(x) is the smallest λ with
 * (Σ wᵢ Lᵢ(λ) + w(x) B) / (Σ wᵢ + w(x)) ≤ α.
 *
 * Source: Angelopoulos et al. (2022), section 4.1, proposition 3.
 *
 * @param weights Of the calibration examples, [n], at least 0; their scale does not matter as long as
 *   the test weights have the same.
 * @returns The choice for a test example, from its weight.
 * @throws RangeError as `riskControl`, and for a negative weight.
 */
export function weightedRiskControl(
  table: LossTable,
  weights: ArrayLike<number>,
  options: RiskOptions,
): (testWeight: number) => RiskControl {
  const { examples, steps, bound } = checkedTable("weightedRiskControl", table, options);
  const total = sumOfWeights("weightedRiskControl", weights, examples);
  const sums = new Float64Array(steps);
  for (let i = 0; i < examples; i++)
    for (let j = 0; j < steps; j++) sums[j] += weights[i] * table.losses[i * steps + j];
  for (let j = 1; j < steps; j++)
    if (sums[j] > sums[j - 1] + 1e-9 * bound * total)
      throw new RangeError(
        `riskControl: the risk rises from ${sums[j - 1] / total} to ${sums[j] / total} at lambdas[${j}] = ${table.lambdas[j]}; expected losses that do not rise with λ (monotonize makes them so)`,
      );
  return (testWeight) => {
    if (!(testWeight >= 0 && total + testWeight > 0))
      throw new RangeError(`weightedRiskControl: testWeight is ${testWeight}; expected a number above 0`);
    const corrected = (j: number) => (sums[j] + testWeight * bound) / (total + testWeight);
    const index = firstWithin(steps, (j) => corrected(j), options.alpha);
    return {
      lambda: table.lambdas[index],
      index,
      empiricalRisk: total > 0 ? sums[index] / total : Number.NaN,
      correctedRisk: corrected(index),
    };
  };
}

/**
 * The baseline without a promise: the smallest λ whose calibration risk itself is at most α. Its risk
 * on new examples exceeds α on average, by the order of 1/n.
 */
export function plugInRisk(table: LossTable, options: RiskOptions): RiskControl {
  const { examples } = checkedTable("plugInRisk", table, options);
  return weightedRiskControl(table, new Float64Array(examples).fill(1), options)(0);
}

/**
 * Several risks on one λ: the largest of the parameters that each risk asks for holds them all, since
 * no loss rises with λ.
 *
 * Source: Angelopoulos et al. (2022), section 4.3.
 */
export function multiRiskControl(risks: readonly (LossTable & RiskOptions)[]): RiskControl {
  if (risks.length === 0) throw new RangeError("multiRiskControl: there is no risk");
  return risks
    .map((risk) => riskControl(risk, risk))
    .reduce((most, next) => (next.lambda > most.lambda ? next : most));
}

/**
 * Learn then test: goes from the largest λ down, as long as Hoeffding's bound rejects a risk above α at
 * level δ. The risk is then at most α with probability 1 − δ over calibration sets, a stronger promise
 * than risk control's, and λ is larger for it.
 *
 * Source: Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test" (2021), fixed-sequence testing
 * with the p-value exp(−2n (α − R̂)₊² / B²).
 *
 * @param options.delta δ. Default: 0.1.
 */
export function learnThenTest(table: LossTable, options: RiskOptions & { delta?: number }): RiskControl {
  const { examples, steps, bound } = checkedTable("learnThenTest", table, options);
  const { alpha, delta = 0.1 } = options;
  if (!(delta > 0 && delta < 1))
    throw new RangeError(`learnThenTest: delta is ${delta}; expected above 0 and below 1`);
  const slack = bound * Math.sqrt(Math.log(1 / delta) / (2 * examples));
  const risk = (j: number) => {
    let sum = 0;
    for (let i = 0; i < examples; i++) sum += table.losses[i * steps + j];
    return sum / examples;
  };
  let index = steps - 1;
  while (index > 0 && risk(index - 1) + slack <= alpha + rounding) index--;
  const empiricalRisk = risk(index);
  return { lambda: table.lambdas[index], index, empiricalRisk, correctedRisk: empiricalRisk + slack };
}

/**
 * The smallest losses above the given ones that do not rise with λ: L̃(λ) = max over λ' ≥ λ of L(λ').
 * Controlling them controls the original ones.
 *
 * Source: Angelopoulos et al. (2022), section 2.3.
 *
 * @param losses [n, m], row by row
 * @param steps m
 */
export function monotonize(losses: ArrayLike<number>, steps: number): Float64Array {
  if (!(Number.isInteger(steps) && steps >= 1 && losses.length % steps === 0))
    throw new RangeError(`monotonize: ${losses.length} losses are no rows of ${steps}`);
  const out = Float64Array.from(losses);
  for (let at = out.length - 2; at >= 0; at--)
    if (at % steps !== steps - 1) out[at] = Math.max(out[at], out[at + 1]);
  return out;
}

/**
 * Split conformal prediction: the ⌈(n + 1)(1 − α)⌉-th smallest of the n calibration scores, Infinity
 * where that is more than n. The set of all outputs with a score of at most it holds the true one with
 * probability at least 1 − α.
 *
 * Source: Vovk, Gammerman and Shafer (2005); Lei et al. (2018), theorem 2.
 *
 * @param scores How ill the true output fits each calibration example, [n].
 */
export function splitConformalQuantile(scores: ArrayLike<number>, alpha: number): number {
  return weightedConformalQuantile(scores, new Float64Array(scores.length).fill(1), alpha)(1);
}

/**
 * Split conformal prediction under covariate shift: the smallest score with at least 1 − α of the
 * weight at or below it, where the test example's own weight stands at infinity.
 *
 * Source: Tibshirani, Barber, Candès and Ramdas, "Conformal Prediction Under Covariate Shift" (2019),
 * corollary 1.
 *
 * @param scores [n]
 * @param weights w(xᵢ), the ratio of test to calibration density, [n], at least 0.
 * @returns The threshold for a test example, from its weight w(x).
 */
export function weightedConformalQuantile(
  scores: ArrayLike<number>,
  weights: ArrayLike<number>,
  alpha: number,
): (testWeight: number) => number {
  requireLevel("conformal quantile", alpha);
  if (scores.length === 0) throw new RangeError("conformal quantile: scores are empty");
  const total = sumOfWeights("conformal quantile", weights, scores.length);
  for (let i = 0; i < scores.length; i++)
    if (Number.isNaN(scores[i])) throw new RangeError(`conformal quantile: score ${i} is NaN`);
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[a] - scores[b]);
  let below = 0;
  const reached = order.map((i) => {
    below += weights[i];
    return below;
  });
  return (testWeight) => {
    if (!(testWeight >= 0 && total + testWeight > 0))
      throw new RangeError(`conformal quantile: testWeight is ${testWeight}; expected a number above 0`);
    const needed = (1 - alpha) * (total + testWeight) * (1 - rounding);
    const place = reached.findIndex((weight) => weight >= needed);
    return place < 0 ? Number.POSITIVE_INFINITY : scores[order[place]];
  };
}

/**
 * Conformalized quantile regression: by how much to widen (or, if negative, narrow) intervals between
 * estimated quantiles so that they cover a new target with probability at least 1 − α.
 *
 * Source: Romano, Patterson and Candès, "Conformalized Quantile Regression" (2019), equations 6 and 8.
 *
 * @param intervals Estimated lower and upper ends and true targets of the calibration examples, [n] each.
 */
export function conformalizedQuantileMargin(
  { lower, upper, targets }: Record<"lower" | "upper" | "targets", ArrayLike<number>>,
  alpha: number,
): number {
  if (lower.length !== targets.length || upper.length !== targets.length)
    throw new RangeError(
      `conformalizedQuantileMargin: lower, upper and targets have ${lower.length}, ${upper.length} and ${targets.length} entries; expected equal numbers`,
    );
  const scores = Float64Array.from(targets, (y, i) => Math.max(lower[i] - y, y - upper[i]));
  return splitConformalQuantile(scores, alpha);
}

// (n + 1)(1 − α) and sums of losses should be compared as the numbers that were meant, not as rounded.
const rounding = 1e-12;

/** The first place where a falling function is at most a limit, or the last place. */
function firstWithin(length: number, value: (i: number) => number, limit: number): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) <= limit + rounding) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkedTable(name: string, { lambdas, losses }: LossTable, { alpha, bound = 1 }: RiskOptions) {
  const steps = lambdas.length;
  const examples = losses.length / steps;
  if (!(steps >= 1 && Number.isInteger(examples) && examples >= 1))
    throw new RangeError(`${name}: ${losses.length} losses are no rows of ${steps} lambdas`);
  for (let j = 1; j < steps; j++)
    if (!(lambdas[j] > lambdas[j - 1]))
      throw new RangeError(
        `${name}: lambdas[${j}] is ${lambdas[j]} after ${lambdas[j - 1]}; expected rising`,
      );
  if (!(bound > 0 && bound < Number.POSITIVE_INFINITY))
    throw new RangeError(`${name}: bound is ${bound}; expected a finite number above 0`);
  if (!(alpha >= 0 && alpha <= bound))
    throw new RangeError(`${name}: alpha is ${alpha}; expected 0 to the bound ${bound}`);
  for (let i = 0; i < losses.length; i++)
    if (!(losses[i] <= bound))
      throw new RangeError(`${name}: loss ${i} is ${losses[i]}; expected at most the bound ${bound}`);
  return { examples, steps, bound };
}

function sumOfWeights(name: string, weights: ArrayLike<number>, count: number): number {
  if (weights.length !== count)
    throw new RangeError(`${name}: there are ${weights.length} weights for ${count} examples`);
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (!(weights[i] >= 0 && weights[i] < Number.POSITIVE_INFINITY))
      throw new RangeError(`${name}: weight ${i} is ${weights[i]}; expected a finite number of at least 0`);
    total += weights[i];
  }
  return total;
}

function requireLevel(name: string, alpha: number): void {
  if (!(alpha > 0 && alpha < 1))
    throw new RangeError(`${name}: alpha is ${alpha}; expected above 0 and below 1`);
}
