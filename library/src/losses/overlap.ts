/**
 * Losses of overlap between predictions and targets: one minus a ratio of sums over many elements.
 * Unlike a mean of losses, their value depends on what is in the batch together.
 *
 * Probabilities and targets have one shape and float element type; targets are 1 (positive) to 0.
 */
import {
  type ConfusionCounts,
  type ConfusionMetric,
  type ConfusionMetricOptions,
  fromConfusion,
} from "../metrics/from-confusion.ts";
import {
  add,
  clip,
  divide,
  equal,
  greater,
  multiply,
  pow,
  sigmoid,
  sin,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Which elements are counted together: "all" of them (micro average, one ratio), those of each "class"
 * (column; macro average), those of each "example" (row), or each "element" by itself.
 */
export type Pool = "all" | "class" | "example" | "element";

export interface PoolOptions {
  /** Default: "all". */
  pool?: Pool;
}

/**
 * Soft confusion counts: TP = Σ y p, FP = Σ (1 − y) p, FN = Σ y (1 − p), TN = Σ (1 − y)(1 − p). With
 * p in {0, 1} they are the hard ones.
 *
 * @param probabilities p, [n] or [n, classes]
 * @param targets y, same shape and element type
 * @returns Scalars, or [classes], [n] or the full shape for the other pools.
 */
export function softConfusion(
  probabilities: Tensor,
  targets: Tensor,
  { pool = "all" }: PoolOptions = {},
): ConfusionCounts<Tensor> {
  requireTargets("softConfusion", probabilities, targets);
  const count = total("softConfusion", pool);
  const [missed, negative] = [subtract(1, probabilities), subtract(1, targets)];
  return {
    truePositives: count(multiply(targets, probabilities)),
    falsePositives: count(multiply(negative, probabilities)),
    falseNegatives: count(multiply(targets, missed)),
    trueNegatives: count(multiply(negative, missed)),
  };
}

export interface DiceOptions extends LossOptions, PoolOptions {
  /** Exponent in the denominator: 1 (plain) or 2 (squared, as in V-Net). Default: 1. */
  power?: 1 | 2;
  /** γ, added above and below, so that nothing found where there is nothing costs nothing. Default: 1. */
  smooth?: number;
  /**
   * α: probabilities are replaced by (1 − p)^α p, which damps what is already certain. Beyond p = 1/(1 + α)
   * the loss of a positive rises again: keep it small (the authors use 0.01). Default: 0.
   */
  selfAdjust?: number;
}

/**
 * Soft Dice loss: 1 − (2 Σ p y + γ) / (Σ p^k + Σ y^k + γ). Over hard predictions with γ = 0 it is one
 * minus their F1.
 *
 * With pool "element" the ratio is taken for each element by itself and it is one more pointwise loss;
 * with "all" it is the loss of the set. `selfAdjust` makes it the self-adjusting DSC.
 *
 * Sources: Milletari, Navab and Ahmadi, "V-Net" (2016), section 3; Li et al., "Dice loss for
 * data-imbalanced NLP tasks" (2019), section 3.
 *
 * @param probabilities p, [n] or [n, classes]
 * @param targets y, same shape and element type
 * @returns A scalar, or with reduction "none" one loss for each ratio.
 */
export function diceLoss(
  probabilities: Tensor,
  targets: Tensor,
  { pool = "all", power = 1, smooth = 1, selfAdjust = 0, reduction }: DiceOptions = {},
): Tensor {
  requireTargets("diceLoss", probabilities, targets);
  requireNotNegative("diceLoss", { smooth, selfAdjust });
  if (power !== 1 && power !== 2) throw new RangeError(`diceLoss: power is ${power}; expected 1 or 2`);
  const count = total("diceLoss", pool);
  const p = selfAdjust === 0 ? probabilities : multiply(damping(probabilities, selfAdjust), probabilities);
  const raised = (x: Tensor) => (power === 2 ? multiply(x, x) : x);
  const overlap = multiply(count(multiply(p, targets)), 2);
  const size = add(count(raised(p)), count(raised(targets)));
  return reduce(oneMinusRatio(add(overlap, smooth), add(size, smooth)), reduction);
}

/** (1 − p)^α, where p is 1 without the infinite slope that it has there for α below 1. */
function damping(p: Tensor, alpha: number): Tensor {
  const uncertain = greater(subtract(1, p), 0);
  return where(uncertain, pow(where(uncertain, subtract(1, p), 1), alpha), 0);
}

export interface TverskyOptions extends LossOptions, PoolOptions {
  /** Weight a of false positives. Default: 0.5. */
  falsePositiveWeight?: number;
  /** Weight b of false negatives. Default: 0.5. */
  falseNegativeWeight?: number;
  /** γ, added above and below. Default: 1. */
  smooth?: number;
}

/**
 * Tversky loss: 1 − (TP + γ) / (TP + a FP + b FN + γ) with soft counts. At a = b = 1/2 the Dice loss of
 * power 1 with smoothing 2 γ, at a = b = 1 one minus the Jaccard index.
 *
 * Source: Salehi, Erdogmus and Gholipour, "Tversky loss function for image segmentation" (2017), section 2.
 *
 * @param probabilities p, [n] or [n, classes]
 * @param targets y, same shape and element type
 */
export function tverskyLoss(
  probabilities: Tensor,
  targets: Tensor,
  { pool, falsePositiveWeight = 0.5, falseNegativeWeight = 0.5, smooth = 1, reduction }: TverskyOptions = {},
): Tensor {
  requireTargets("tverskyLoss", probabilities, targets);
  requireNotNegative("tverskyLoss", { falsePositiveWeight, falseNegativeWeight, smooth });
  const counts = softConfusion(probabilities, targets, { pool });
  const found = add(counts.truePositives, smooth);
  const wrong = add(
    multiply(counts.falsePositives, falsePositiveWeight),
    multiply(counts.falseNegatives, falseNegativeWeight),
  );
  return reduce(oneMinusRatio(found, add(found, wrong)), reduction);
}

export interface ConfusionLossOptions extends Omit<ConfusionMetricOptions, "epsilon"> {
  /** Which metric is to be made large; see `fromConfusion`. Default: "fBeta", with β = 1 F1. */
  metric?: ConfusionMetric;
  /** Added to every denominator of the metric. Default: 1e-5. */
  epsilon?: number;
}

export interface AnyLossOptions extends ConfusionLossOptions {
  /**
   * L, how steeply probabilities are driven to 0 or 1: the slope is L/4 at p = 0.5 and falls off within
   * about 5/L of it. Default: 73, about the largest for which A(1) is below 1 in float64.
   */
  amplification?: number;
}

/**
 * AnyLoss: one minus a metric of the soft confusion counts of A(p) = σ(L (p − 1/2)).
 *
 * Give it batches that hold both classes: without positives, recall has nothing to pull at.
 *
 * Source: Han, Moniz and Chawla, "AnyLoss: transforming classification metrics into loss functions"
 * (2024), section 3. The authors' code takes the geometric mean without its root.
 *
 * @param probabilities p, [n]
 * @param targets y, same shape and element type
 * @returns A scalar.
 */
export function anyLoss(
  probabilities: Tensor,
  targets: Tensor,
  { amplification = 73, ...options }: AnyLossOptions = {},
): Tensor {
  requireTargets("anyLoss", probabilities, targets);
  if (!(amplification > 0 && Number.isFinite(amplification)))
    throw new RangeError(`anyLoss: amplification is ${amplification}; expected a number above 0`);
  return confusionLoss(sigmoid(multiply(subtract(probabilities, 0.5), amplification)), targets, options);
}

export interface ScoreOrientedOptions extends ConfusionLossOptions {
  /** Distribution of the decision threshold. Default: "raised-cosine" around 1/2; "uniform" on 0 to 1 has A(p) = p. */
  threshold?: "raised-cosine" | "uniform";
  /** Half width δ of the raised cosine. Default: 0.1. */
  halfWidth?: number;
}

/**
 * Score-oriented loss: one minus a metric of the expected confusion counts when the decision threshold is
 * drawn at random, which are the soft counts of A(p) = P(threshold ≤ p). A logistic distribution of
 * scale 1/L around 1/2 would make it `anyLoss`.
 *
 * Source: Marchetti, Guastavino, Piana and Campi, "Score-oriented loss (SOL) functions" (2022), section 2.
 *
 * @param probabilities p, [n]
 * @param targets y, same shape and element type
 * @returns A scalar.
 */
export function scoreOrientedLoss(
  probabilities: Tensor,
  targets: Tensor,
  { threshold = "raised-cosine", halfWidth = 0.1, ...options }: ScoreOrientedOptions = {},
): Tensor {
  requireTargets("scoreOrientedLoss", probabilities, targets);
  if (!(halfWidth > 0))
    throw new RangeError(`scoreOrientedLoss: halfWidth is ${halfWidth}; expected above 0`);
  if (threshold === "uniform") return confusionLoss(probabilities, targets, options);
  if (threshold !== "raised-cosine")
    throw new RangeError(
      `scoreOrientedLoss: threshold is "${threshold}"; expected "raised-cosine" or "uniform"`,
    );
  const place = clip(multiply(subtract(probabilities, 0.5), 1 / halfWidth), -1, 1);
  const wave = multiply(sin(multiply(place, Math.PI)), 1 / Math.PI);
  return confusionLoss(multiply(add(add(place, wave), 1), 0.5), targets, options);
}

function confusionLoss(
  probabilities: Tensor,
  targets: Tensor,
  { metric = "fBeta", epsilon = 1e-5, beta }: ConfusionLossOptions,
): Tensor {
  return subtract(1, fromConfusion(metric, softConfusion(probabilities, targets), { beta, epsilon }));
}

/** 1 − a/b, and 0 for 0/0, where there was nothing to find and nothing found. */
function oneMinusRatio(a: Tensor, b: Tensor): Tensor {
  const nothing = equal(b, 0);
  return where(nothing, 0, subtract(1, divide(a, where(nothing, 1, b))));
}

function total(name: string, pool: Pool): (x: Tensor) => Tensor {
  if (pool === "all") return (x) => sum(x);
  if (pool === "element") return (x) => x;
  if (pool !== "class" && pool !== "example")
    throw new RangeError(`${name}: pool is "${pool}"; expected "all", "class", "example" or "element"`);
  return (x) => {
    if (x.shape.length !== 2)
      throw new RangeError(
        `${name}: probabilities is ${describe(x)}; expected [n, classes] for pool "${pool}"`,
      );
    return sum(x, { axis: pool === "class" ? 0 : 1 });
  };
}

function requireTargets(name: string, probabilities: Tensor, targets: Tensor): void {
  if (!sameShape(probabilities.shape, targets.shape) || probabilities.dtype !== targets.dtype)
    throw new RangeError(
      `${name}: targets is ${describe(targets)}; expected the shape and type of the probabilities, ${describe(probabilities)}`,
    );
}

function requireNotNegative(name: string, options: Record<string, number>): void {
  for (const [argument, value] of Object.entries(options))
    if (!(value >= 0 && Number.isFinite(value)))
      throw new RangeError(`${name}: ${argument} is ${value}; expected a number of at least 0`);
}
