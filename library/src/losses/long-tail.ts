/** Losses for classes of very different size: margins, re-weighting, and risk under a utility. */
import {
  divide,
  fromData,
  gather,
  log,
  logSoftmax,
  maximum,
  mean,
  multiply,
  oneHot,
  reshape,
  subtract,
  sum,
  type Tensor,
  tile,
  variance,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { softmaxCrossEntropy } from "./classification.ts";
import { type LossOptions, reduce, requireLabelled } from "./reduction.ts";

/**
 * The margins of LDAM, larger for rarer classes: Δ_k = largest · (n_k / min n)^(−1/4).
 *
 * Source: Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss" (2019),
 * equation 10, scaled as in the authors' code.
 *
 * @param counts n, examples of each class in the training data, each above 0.
 * @param options.largest Margin of the rarest class. Default: 0.5, for cosines.
 * @returns One margin a class.
 */
export function ldamMargins(
  counts: ArrayLike<number>,
  { largest = 0.5 }: { largest?: number } = {},
): Float64Array {
  requireCounts("ldamMargins", counts);
  const roots = Float64Array.from(counts, (n) => n ** -0.25);
  return roots.map((root) => (largest * root) / Math.max(...roots));
}

/**
 * Deferred re-weighting: weight 1 for all classes at first, then 1 / n_k, so that features are learned
 * from the data as they are.
 *
 * Source: Cao et al. (2019), algorithm 1.
 *
 * @param counts n, examples of each class in the training data, each above 0.
 * @param epoch From 0.
 * @param options.from The first epoch with weights.
 * @returns One weight a class.
 */
export function deferredWeights(
  counts: ArrayLike<number>,
  epoch: number,
  { from }: { from: number },
): Float64Array {
  requireCounts("deferredWeights", counts);
  return Float64Array.from(counts, (n) => (epoch < from ? 1 : 1 / n));
}

export interface IntegratedRiskOptions extends LossOptions {
  /** w, [C]: weights of the classes, for instance 1 / n_k. Default: 1. */
  weights?: Tensor;
  /** Δ, [C]: taken off the true logit, in units of logits (`ldamMargins` times the scale of the cosines). Default: 0. */
  margins?: Tensor;
  /**
   * ũ, [C, C]: what it is worth to decide for the class of the column where that of the row is true,
   * beyond 1 for being right; negative where it costs. Default: 0.
   */
  utility?: Tensor;
  /** α: divides the term of the utility. Default: 0.3. */
  alpha?: number;
}

/**
 * Integrated risk of an ensemble of M particles: the mean over particles of
 *
 *     w_y / w̄ · CE(f − Δ_y e_y, y) − 1/α Σ_k w_k ũ_yk log p_k,
 *
 * p the softmax of f − Δ_y e_y and w̄ the mean of w_y over the batch. Without options it is cross-entropy.
 *
 * The term of the utility falls without bound as a costly class's logit does: give it logits that are
 * bounded, such as cosines times a scale.
 *
 * Source: Li and Zhang, "Long-tailed Classification from a Bayesian-decision-theory Perspective" (2023),
 * in the form of the authors' code.
 *
 * @param logits f, [M, n, C], or [n, C] for a single particle
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 */
export function integratedRisk(
  logits: Tensor,
  labels: Tensor,
  { weights, margins, utility, alpha = 0.3, reduction }: IntegratedRiskOptions = {},
): Tensor {
  const [particles, flat] = flatten("integratedRisk", logits, labels);
  const classes = flat.shape[1]!;
  if (!(alpha > 0)) throw new RangeError(`integratedRisk: alpha is ${alpha}; expected a number above 0`);
  requireShape("weights", weights, [classes]);
  requireShape("margins", margins, [classes]);
  requireShape("utility", utility, [classes, classes]);
  const repeated = particles === 1 ? labels : tile(labels, [particles]);
  const shifted = margins ? subtract(flat, multiply(oneHot(repeated, classes, flat.dtype), margins)) : flat;
  let losses = softmaxCrossEntropy(shifted, repeated, { reduction: "none" });
  if (weights) {
    const each = gather(weights, repeated);
    losses = multiply(losses, divide(each, mean(each)));
  }
  if (utility) {
    const gains = gather(weights ? multiply(utility, weights) : utility, repeated);
    losses = subtract(losses, multiply(sum(multiply(gains, logSoftmax(shifted)), { axis: 1 }), 1 / alpha));
  }
  return reduce(mean(reshape(losses, [particles, labels.shape[0]!]), { axis: 0 }), reduction);
}

/**
 * What keeps particles apart: −1/2 the mean over weights of the logarithm of their variance over particles,
 * the entropy of a normal distribution up to constants. Added to the loss times a factor that fades, such
 * as e^(−epoch / τ), it drives equal weights apart.
 *
 * Identical particles stay identical, since the variance is kept at least at 1e-12: start them differently.
 *
 * Source: Li and Zhang (2023), the variational term, in the form of the authors' code.
 *
 * @param weights [M, …], one entry a particle.
 * @returns A scalar; 0 for a single particle.
 */
export function particleRepulsion(weights: Tensor): Tensor {
  if (weights.shape.length < 2)
    throw new RangeError(`particleRepulsion: weights is ${describe(weights)}; expected [particles, …]`);
  if (weights.shape[0] === 1) return multiply(sum(weights), 0);
  return multiply(mean(log(maximum(variance(weights, { axis: 0 }), 1e-12))), -0.5);
}

/**
 * A utility that makes it cost to take an example of a rarer class for one of a more frequent class:
 * `cost` below the diagonal of a matrix whose classes are sorted from frequent to rare, else 0.
 *
 * @param cost What such a decision is worth: below 0. Default: −1.
 * @returns [classes, classes], row: true class.
 */
export function tailSensitiveUtility(classes: number, { cost = -1 }: { cost?: number } = {}): Tensor {
  const data = Float32Array.from({ length: classes * classes }, (_, i) =>
    i % classes < Math.floor(i / classes) ? cost : 0,
  );
  return fromData(data, [classes, classes]);
}

/** Logits of all particles below each other. */
function flatten(name: string, logits: Tensor, labels: Tensor): [particles: number, flat: Tensor] {
  const many = logits.shape.length === 3;
  const [particles, n, classes] = many ? (logits.shape as [number, number, number]) : [1, ...logits.shape];
  const flat = many ? reshape(logits, [particles * n!, classes!]) : logits;
  if (many && n === labels.shape[0] && labels.dtype === "int32" && labels.shape.length === 1)
    return [particles, flat];
  if (many) throw new RangeError(`${name}: labels is ${describe(labels)}; expected int32 [${n}]`);
  requireLabelled(name, logits, labels);
  return [particles, flat];
}

function requireShape(argument: string, x: Tensor | undefined, shape: number[]): void {
  if (x && (x.shape.length !== shape.length || x.shape.some((length, a) => length !== shape[a])))
    throw new RangeError(`integratedRisk: ${argument} is ${describe(x)}; expected [${shape.join(", ")}]`);
}

function requireCounts(name: string, counts: ArrayLike<number>): void {
  for (let k = 0; k < counts.length; k++)
    if (!(counts[k]! > 0 && counts[k]! < Number.POSITIVE_INFINITY))
      throw new RangeError(`${name}: counts[${k}] is ${counts[k]}; expected a number above 0`);
}
