/** Losses that leave out what does not fit the rest of the batch: bad labels, gross errors. */
import {
  abs,
  add,
  cast,
  divide,
  expandDims,
  gather,
  greater,
  greaterEqual,
  lessEqual,
  matmul,
  max,
  maximum,
  mean,
  multiply,
  negate,
  oneHot,
  ones,
  onesLike,
  pick,
  scatterElements,
  slice,
  softmax,
  sort,
  sqrt,
  square,
  squeeze,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  type TensorLike,
  topK,
  transpose,
  where,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { softmaxCrossEntropy } from "./classification.ts";
import { type LossOptions, type Reduction, reduce, requireLabelled } from "./reduction.ts";
import { squaredError } from "./regression.ts";

const EPSILON = 1e-8;
/** The median absolute deviation of a normal distribution times this is its standard deviation. */
const MAD_TO_DEVIATION = 1.4826;

export interface ZErrorMaskOptions {
  /** τ > 0, in standard deviations; a scalar tensor where it changes while training goes on. Default: 2. */
  threshold?: TensorLike;
  /**
   * Median and 1.4826 times the median absolute deviation in place of mean and standard deviation, which
   * outliers pull towards themselves so that they hide each other. Default: false.
   */
  robust?: boolean;
}

/**
 * Which errors of a batch are no outliers: 1 where |z| ≤ τ, else 0, with z = (e − μ) / (σ + 1e-8) and the
 * batch's own μ and σ (n − 1 in the denominator). No gradient flows through it.
 *
 * The largest |z| that n errors can have is (n − 1) / √n: at τ = 2, five or fewer never lose one. A
 * constant added to all errors changes nothing.
 *
 * Source: Godin, "Z-Error Loss for Training Neural Networks" (2025), regression.
 *
 * @param errors e = y − ŷ, [n]
 * @returns [n], 0 and 1 in the errors' type.
 * @throws RangeError unless errors is [n] and τ above 0.
 */
export function zErrorMask(
  errors: Tensor,
  { threshold = 2, robust = false }: ZErrorMaskOptions = {},
): Tensor {
  if (errors.shape.length !== 1)
    throw new RangeError(`zErrorMask: errors is ${describe(errors)}; expected [n]`);
  requireThreshold("zErrorMask", threshold);
  const n = errors.shape[0]!;
  // A single error has no spread to be compared with.
  if (n < 2) return onesLike(errors);
  const e = stopGradient(errors);
  const center = robust ? median(e) : mean(e);
  const distance = abs(subtract(e, center));
  const deviation = robust
    ? multiply(median(distance), MAD_TO_DEVIATION)
    : sqrt(multiply(sum(square(distance)), 1 / (n - 1)));
  // Multiplied out, so that a deviation of 0 keeps all errors that are equal.
  return cast(lessEqual(distance, multiply(add(deviation, EPSILON), threshold)), e.dtype);
}

/**
 * Z-Error loss for regression: the mean squared error of the rows that `zErrorMask` keeps,
 * Σ m e² / Σ m. Masked rows have no gradient.
 *
 * Source: Godin, "Z-Error Loss for Training Neural Networks" (2025), regression.
 *
 * @param predictions ŷ, [n]
 * @param targets y, [n]
 * @returns A scalar: the mean over the kept rows, or with reduction "sum" their sum. With "none" [n],
 *   0 for masked rows.
 */
export function zErrorMSE(
  predictions: Tensor,
  targets: Tensor,
  { reduction, ...options }: LossOptions & ZErrorMaskOptions = {},
): Tensor {
  const losses = squaredError(predictions, targets, { reduction: "none" });
  return reduceKept(losses, zErrorMask(subtract(targets, predictions), options), reduction);
}

export interface ZErrorClassOptions {
  /** τ > 0, in standard deviations; a scalar tensor where it changes while training goes on. Default: 2. */
  threshold?: TensorLike;
  /**
   * What is compared within a class: the logit of the label, its distance to the largest other logit, or
   * its probability. Default: "logit".
   */
  space?: "logit" | "margin" | "probability";
}

/** Below this many rows a class takes the spread pooled over all classes. */
const FEWEST = 6;

/**
 * Which rows of a batch look as their labels do: 0 where the label's score lies more than τ standard
 * deviations below the mean score of the rows with that label, else 1. A class with fewer than 6 rows in the
 * batch takes the standard deviation pooled over the classes. No gradient flows through it.
 *
 * Source: Godin, "Z-Error Loss for Training Neural Networks" (2025), classification; the pooled
 * deviation is ours.
 *
 * @param logits [n, classes]
 * @param labels int32 [n]
 * @returns [n], 0 and 1 in the logits' type.
 * @throws RangeError for another space, or τ not above 0.
 */
export function zErrorClassMask(
  logits: Tensor,
  labels: Tensor,
  { threshold = 2, space = "logit" }: ZErrorClassOptions = {},
): Tensor {
  requireLabelled("zErrorClassMask", logits, labels);
  requireThreshold("zErrorClassMask", threshold);
  const [n, classes] = logits.shape as [number, number];
  const score = scoreOf(space, stopGradient(logits), labels);
  const hot = oneHot(labels, classes, logits.dtype);
  const perClass = (x: Tensor) => squeeze(matmul(transpose(hot), expandDims(x, 1)), 1);
  const counts = sum(hot, { axis: 0 });
  const centers = divide(perClass(score), maximum(counts, 1));
  const residual = subtract(score, gather(centers, labels));
  const squares = perClass(square(residual));
  const present = sum(cast(greater(counts, 0), logits.dtype));
  const pooled = divide(sum(squares), maximum(subtract(n, present), 1));
  const own = divide(squares, maximum(subtract(counts, 1), 1));
  const deviation = gather(sqrt(where(greaterEqual(counts, FEWEST), own, pooled)), labels);
  return cast(greaterEqual(residual, negate(multiply(add(deviation, EPSILON), threshold))), logits.dtype);
}

/**
 * Z-Error loss for classification: the mean cross-entropy of the rows that `zErrorClassMask` keeps.
 *
 * Source: Godin, "Z-Error Loss for Training Neural Networks" (2025), classification.
 *
 * @param logits [n, classes]
 * @param labels int32 [n]
 * @returns As of `zErrorMSE`.
 */
export function zErrorCE(
  logits: Tensor,
  labels: Tensor,
  { reduction, ...options }: LossOptions & ZErrorClassOptions = {},
): Tensor {
  const losses = softmaxCrossEntropy(logits, labels, { reduction: "none" });
  return reduceKept(losses, zErrorClassMask(logits, labels, options), reduction);
}

function scoreOf(space: ZErrorClassOptions["space"], logits: Tensor, labels: Tensor): Tensor {
  switch (space) {
    case "logit":
      return pick(logits, labels);
    case "margin": {
      if (logits.shape[1]! < 2)
        throw new RangeError(`zErrorClassMask: logits is ${describe(logits)}; a margin needs two classes`);
      const hot = greater(oneHot(labels, logits.shape[1]!), 0);
      return subtract(pick(logits, labels), max(where(hot, Number.NEGATIVE_INFINITY, logits), { axis: 1 }));
    }
    case "probability":
      return pick(softmax(logits), labels);
    default:
      throw new RangeError(
        `zErrorClassMask: space is ${JSON.stringify(space)}; expected "logit", "margin" or "probability"`,
      );
  }
}

/**
 * Which losses are not among the largest: 1 for the ⌈keep · n⌉ smallest, else 0. No gradient flows through it.
 *
 * @param losses [n]
 * @param options.keep Fraction that stays, above 0 and at most 1. Default: 0.9.
 * @returns [n], 0 and 1 in the losses' type.
 */
export function trimmedMask(losses: Tensor, { keep = 0.9 }: { keep?: number } = {}): Tensor {
  if (losses.shape.length !== 1)
    throw new RangeError(`trimmedMask: losses is ${describe(losses)}; expected [n]`);
  if (!(keep > 0 && keep <= 1))
    throw new RangeError(`trimmedMask: keep is ${keep}; expected a number above 0 and at most 1`);
  // Less a trifle, so that 0.9 · 10 = 9.000000000000002 stays 9.
  const count = Math.ceil(keep * losses.shape[0]! - 1e-9);
  const { indices } = topK(stopGradient(losses), count, { largest: false });
  return scatterElements(losses.shape, indices, ones([count], losses.dtype));
}

/**
 * Trimmed mean of losses: the mean of the ⌈keep · n⌉ smallest. The rest has no gradient.
 *
 * Source: Rousseeuw, "Least Median of Squares Regression" (1984), least trimmed squares, in each batch.
 *
 * @param losses One a row, [n], from any loss with reduction "none".
 * @param options.keep Fraction that stays, above 0 and at most 1. Default: 0.9.
 * @returns As of `zErrorMSE`.
 */
export function trimmedLoss(
  losses: Tensor,
  { keep, reduction }: LossOptions & { keep?: number } = {},
): Tensor {
  return reduceKept(losses, trimmedMask(losses, { keep }), reduction);
}

/** The mean is over the kept rows; without any it is 0. */
function reduceKept(losses: Tensor, mask: Tensor, reduction: Reduction = "mean"): Tensor {
  // A masked loss may be infinite: chosen away, not multiplied by 0.
  const kept = where(greater(mask, 0), losses, 0);
  return reduction === "mean" ? divide(sum(kept), maximum(sum(mask), 1)) : reduce(kept, reduction);
}

function median(x: Tensor): Tensor {
  const n = x.shape[0]!;
  const middle = slice(sort(x), [[Math.floor((n - 1) / 2), Math.floor(n / 2) + 1]]);
  return mean(middle);
}

function requireThreshold(name: string, threshold: TensorLike): void {
  if (typeof threshold === "number" && !(threshold > 0))
    throw new RangeError(`${name}: threshold is ${threshold}; expected a number above 0`);
}

/**
 * Where to cut between two classes whose scores are taken to be normally distributed: the score between
 * the two means at which both densities, each of its own mean and deviation, are equal.
 *
 * Source: Godin, "Z-Error Loss for Training Neural Networks" (2025), choice of the cutoff.
 *
 * @param negatives Scores of the lower class, at least two.
 * @param positives Scores of the upper class, at least two.
 * @returns The cutoff: a score above it speaks for the positives. Where the densities do not cross between
 *   the means (one class lies within the other), the middle of the means.
 * @throws RangeError with fewer than two scores.
 */
export function gaussianCutoff(negatives: ArrayLike<number>, positives: ArrayLike<number>): number {
  const [a, b] = [negatives, positives].map((scores) => {
    const x = Array.from(scores);
    if (x.length < 2) throw new RangeError(`gaussianCutoff: ${x.length} scores; expected at least 2 a class`);
    const center = x.reduce((s, v) => s + v, 0) / x.length;
    return { center, variance: x.reduce((s, v) => s + (v - center) ** 2, 0) / (x.length - 1) };
  }) as [{ center: number; variance: number }, { center: number; variance: number }];
  const middle = (a.center + b.center) / 2;
  // log density of b less that of a, a parabola in x; bisection between the means.
  const excess = (x: number) =>
    (x - a.center) ** 2 / a.variance - (x - b.center) ** 2 / b.variance + Math.log(a.variance / b.variance);
  let [low, high] = [a.center, b.center];
  if (!(a.variance > 0 && b.variance > 0 && excess(low) < 0 && excess(high) > 0)) return middle;
  for (let i = 0; i < 100; i++) {
    const x = (low + high) / 2;
    if (excess(x) < 0) low = x;
    else high = x;
  }
  return (low + high) / 2;
}
