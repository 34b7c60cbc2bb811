/** One-vs-rest classification, and weights of adversarial examples by how close to the boundary they are. */
import {
  add,
  cast,
  divide,
  greater,
  max,
  mean,
  multiply,
  oneHot,
  pick,
  sigmoid,
  softmax,
  softplus,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  tanh,
  topK,
  where,
} from "../tensor/index.ts";
import { logitMargins } from "./adversarial.ts";
import { softmaxCrossEntropy } from "./classification.ts";
import { type LossOptions, reduce, requireLabelled } from "./reduction.ts";

/**
 * One-vs-rest loss: log(1 + e^{−f_y}) + Σ_{j≠y} log(1 + e^{f_j}), a logistic loss for each class.
 *
 * Each logit is judged against 0 and not against the others, so that the loss still pushes where
 * cross-entropy has become flat: in gradient flow on two logits the margin grows twice as fast.
 *
 * Source: Kanai et al., "One-vs-the-Rest Loss to Focus on Important Samples in Adversarial Training"
 * (2023), equation 5; Padhy et al. (2020) for its use against unknown inputs.
 *
 * @param logits f, [n, classes]
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 */
export function oneVsRest(logits: Tensor, labels: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireLabelled("oneVsRest", logits, labels);
  const signs = subtract(1, multiply(oneHot(labels, logits.shape[1]!, logits.dtype), 2));
  return reduce(sum(softplus(multiply(logits, signs)), { axis: 1 }), reduction);
}

export interface SovrOptions extends LossOptions {
  /** Share of the batch that is switched, 0 to 1; rounded to whole examples. Default: 0.4. */
  fraction?: number;
  /** λ, the weight of the one-vs-rest loss. Default: 0.4. */
  lambda?: number;
}

/**
 * Switching one-vs-rest: cross-entropy, but λ times the one-vs-rest loss for the examples with the
 * smallest logit margins of the batch. The choice itself carries no gradient.
 *
 * Source: Kanai et al. (2023), equation 9. In adversarial training the logits are those of attacked inputs.
 *
 * @param logits f, [n, classes]
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError if fraction is not from 0 to 1, or lambda negative.
 */
export function sovr(
  logits: Tensor,
  labels: Tensor,
  { fraction = 0.4, lambda = 0.4, reduction }: SovrOptions = {},
): Tensor {
  requireLabelled("sovr", logits, labels);
  if (!(fraction >= 0 && fraction <= 1))
    throw new RangeError(`sovr: fraction is ${fraction}; expected a number from 0 to 1`);
  if (!(lambda >= 0)) throw new RangeError(`sovr: lambda is ${lambda}; expected a number of at least 0`);
  const n = logits.shape[0]!;
  const switched = Math.round(fraction * n);
  const crossEntropy = softmaxCrossEntropy(logits, labels, { reduction: "none" });
  if (switched === 0) return reduce(crossEntropy, reduction);
  const hardest = topK(stopGradient(logitMargins(logits, labels)), switched, { largest: false }).indices;
  const isHard = greater(sum(oneHot(hardest, n, logits.dtype), { axis: 0 }), 0);
  const rest = multiply(oneVsRest(logits, labels, { reduction: "none" }), lambda);
  return reduce(where(isHard, rest, crossEntropy), reduction);
}

/**
 * Weights by probability margin: w ∝ sigmoid(−γ (m − β)) with m = s_y − max_{j≠y} s_j and s the softmax,
 * scaled to a mean of 1. For the losses of the same adversarial examples; carries no gradient.
 *
 * Source: Liu et al., "Probabilistic Margins for Instance Reweighting in Adversarial Training" (2021),
 * equation 8 (MAIL).
 *
 * @param logits Of attacked inputs, [n, classes].
 * @param labels y, int32 [n]
 * @param options.slope γ. Default: 10.
 * @param options.bias β. Default: 0.
 * @returns [n]
 */
export function mailWeights(
  logits: Tensor,
  labels: Tensor,
  { slope = 10, bias = 0 }: { slope?: number; bias?: number } = {},
): Tensor {
  requireLabelled("mailWeights", logits, labels);
  const shares = softmax(logits);
  const isTrue = greater(oneHot(labels, logits.shape[1]!, logits.dtype), 0);
  const margins = subtract(pick(shares, labels), max(where(isTrue, -1, shares), { axis: 1 }));
  return toMeanOne(sigmoid(multiply(subtract(margins, bias), -slope)));
}

/**
 * Weights by how many attack steps an example withstood: w ∝ (1 + tanh(Λ + 5 (1 − 2κ/K))) / 2, scaled to
 * a mean of 1. Carries no gradient.
 *
 * Source: Zhang et al., "Geometry-aware Instance-reweighted Adversarial Training" (2021), equation 6.
 *
 * @param path Logits at the points that the attack passed (`pgdPath`), each [n, classes].
 * @param labels y, int32 [n]
 * @param options.lambda Λ: the larger, the more even the weights. Default: -1.
 * @returns [n]
 */
export function gairatWeights(
  path: readonly Tensor[],
  labels: Tensor,
  { lambda = -1 }: { lambda?: number } = {},
): Tensor {
  if (path.length < 2)
    throw new RangeError(`gairatWeights: path has ${path.length} points; expected at least 2`);
  const steps = path.length - 1;
  const withstood = path
    .slice(0, steps)
    .map((logits) => cast(greater(logitMargins(logits, labels), 0), logits.dtype))
    .reduce((total, each) => add(total, each));
  return toMeanOne(add(tanh(add(multiply(withstood, -10 / steps), 5 + lambda)), 1));
}

/** Where all weights vanish, they become even. */
function toMeanOne(weights: Tensor): Tensor {
  const positive = add(weights, 1e-12);
  return stopGradient(divide(positive, mean(positive)));
}
