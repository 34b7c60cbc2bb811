/**
 * Losses for labels that are weaker than one true label an example: positives among unlabelled examples,
 * proportions of bags, values that are sometimes too low. Each rewrites the risk of full supervision so
 * that its expectation stays the same.
 */
import {
  abs,
  add,
  cast,
  divide,
  expandDims,
  greaterEqual,
  log,
  logSigmoid,
  logSumExp,
  maximum,
  mean,
  multiply,
  negate,
  relu,
  sigmoid,
  softplus,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/** What a score of any shape costs if the label is 1, and if it is 0: two tensors of the score's shape. */
export type TwoSidedLoss = (logits: Tensor) => { positive: Tensor; negative: Tensor };

/** Log loss of the logit f: −log σ(f) if the label is 1, −log(1 − σ(f)) if it is 0. */
export const logisticLoss: TwoSidedLoss = (logits) => ({
  positive: softplus(negate(logits)),
  negative: softplus(logits),
});

/** 1 where the sign of the logit is wrong, else 0; a logit of 0 counts as positive. Has no gradient. */
export const zeroOneLoss: TwoSidedLoss = (logits) => {
  const positive = cast(greaterEqual(logits, 0), logits.dtype as "float32" | "float64");
  return { positive: subtract(1, positive), negative: positive };
};

export interface WeightedTwoSidedOptions extends LossOptions {
  /** Default: `logisticLoss`. */
  loss?: TwoSidedLoss;
}

/**
 * Weighted risk of both labels: a ℓ(f, 1) + b ℓ(f, 0).
 *
 * What weak supervision has in common: an unknown label is replaced by weights whose expectation given the
 * input is P(y = 1) and P(y = 0). The weights may be negative or above 1, and then the loss has no lower bound.
 *
 * @param logits f, of any shape
 * @param positiveWeights a, of a shape that broadcasts to that of the logits
 * @param negativeWeights b, likewise. Weights 1 and 0 are full supervision.
 * @returns A scalar, or the shape of the logits with reduction "none".
 */
export function weightedTwoSided(
  logits: Tensor,
  positiveWeights: TensorLike,
  negativeWeights: TensorLike,
  { loss = logisticLoss, reduction }: WeightedTwoSidedOptions = {},
): Tensor {
  const { positive, negative } = loss(logits);
  return reduce(add(multiply(positive, positiveWeights), multiply(negative, negativeWeights)), reduction);
}

export interface PositiveUnlabeledOptions extends WeightedTwoSidedOptions {
  /**
   * Whether the mean over the negative part, which negative weights can drive below 0, is cut off there
   * (Kiryo et al. 2017). For flexible models; the risk is then no longer unbiased. Default: false.
   */
  nonNegative?: boolean;
  /** Propensities below it count as this much, which bounds the weights. Default: 0.01. */
  minimumPropensity?: number;
}

/**
 * Propensity-weighted risk for positive and unlabelled examples: with s = 1 for labelled examples,
 * s (1/e ℓ(f, 1) + (1 − 1/e) ℓ(f, 0)) + (1 − s) ℓ(f, 0).
 *
 * Its expectation over which positives get labelled is the loss on true labels. With e = 1 unlabelled
 * examples count as negative; with a constant e labelling is "selected completely at random".
 *
 * Source: Bekker, Robberechts and Davis, "Beyond the Selected Completely At Random Assumption for Learning
 * from Positive and Unlabeled Data" (2019), section 4.
 *
 * @param logits f, [n]
 * @param observed s, 1 (labelled, so positive) or 0 (unlabelled), [n]
 * @param propensity e, the probability that this example would be labelled if it is positive: above 0 to 1,
 *   a number or [n]
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError for `nonNegative` with reduction "none": the correction is of a mean.
 */
export function puRisk(
  logits: Tensor,
  observed: Tensor,
  propensity: TensorLike,
  {
    loss = logisticLoss,
    nonNegative = false,
    minimumPropensity = 0.01,
    reduction,
  }: PositiveUnlabeledOptions = {},
): Tensor {
  requireVector("puRisk", "logits", logits);
  requireAlike("puRisk", "observed", observed, "logits", logits);
  if (!(minimumPropensity > 0 && minimumPropensity <= 1))
    throw new RangeError(`puRisk: minimumPropensity is ${minimumPropensity}; expected above 0, to 1`);
  if (typeof propensity === "number" && !(propensity > 0 && propensity <= 1))
    throw new RangeError(`puRisk: propensity is ${propensity}; expected above 0, to 1`);
  const e =
    typeof propensity === "number"
      ? Math.max(propensity, minimumPropensity)
      : maximum(propensity, minimumPropensity);
  const positiveWeights = divide(observed, e);
  const negativeWeights = subtract(1, positiveWeights);
  if (!nonNegative) return weightedTwoSided(logits, positiveWeights, negativeWeights, { loss, reduction });
  if (reduction === "none")
    throw new RangeError(
      'puRisk: nonNegative corrects a mean; expected reduction "mean" or "sum", got "none"',
    );
  const { positive, negative } = loss(logits);
  return add(
    reduce(multiply(positive, positiveWeights), reduction),
    relu(reduce(multiply(negative, negativeWeights), reduction)),
  );
}

/**
 * Soft labels from the proportion of positives in a bag: k (α − p) + p.
 *
 * Given an instance of a random bag, the expectation is its probability of being positive; the labels
 * themselves lie between p − k p and p + k (1 − p).
 *
 * Source: Busa-Fekete et al., "Easy Learning from Label Proportions" (2023).
 *
 * @param proportions α, [bags], or [bags, C] for C classes
 * @param size k, instances in a bag
 * @param prior p, the proportion of positives overall, or [C]
 */
export function easyLLPLabels(proportions: Tensor, size: number, prior: TensorLike): Tensor {
  if (!(Number.isSafeInteger(size) && size >= 1))
    throw new RangeError(`easyLLPLabels: size is ${size}; expected a whole number of at least 1`);
  return add(multiply(subtract(proportions, prior), size), prior);
}

export interface EasyLLPOptions extends WeightedTwoSidedOptions {
  /** p, the proportion of positives over all bags. */
  prior: number;
  /**
   * Whether what multiplies the noisy part, ℓ(f, 1) − ℓ(f, 0), is measured from its mean over the other
   * bags of the batch. The expectation stays, and the variance of the mean loss grows like k rather
   * than k². Takes two bags or more. Default: true.
   */
  centered?: boolean;
}

/**
 * EasyLLP: the loss of single instances, estimated without bias from bags that tell only their proportion
 * of positives. With Δ = ℓ(f, 1) − ℓ(f, 0), a bag B costs
 * mean over B of [p ℓ(f, 1) + (1 − p) ℓ(f, 0)] + k (α − p) (mean of Δ over B − mean of Δ over other bags).
 *
 * Without the last term (`centered: false`) it is the two-sided risk with the soft labels of `easyLLPLabels`.
 * Bags must be random samples. The loss has no lower bound: stop early, or bound the logits. With `zeroOneLoss`
 * it estimates an error rate without instance labels.
 *
 * Source: Busa-Fekete et al., "Easy Learning from Label Proportions" (2023). The centring is a control variate in
 * the spirit of the paper's variance reduction.
 *
 * @param logits f, [bags, k]
 * @param proportions α, [bags]
 * @returns A scalar, or [bags] with reduction "none".
 * @throws RangeError for a prior outside 0 to 1, or a single bag where `centered`.
 */
export function easyLLP(
  logits: Tensor,
  proportions: Tensor,
  { prior, centered = true, loss = logisticLoss, reduction }: EasyLLPOptions,
): Tensor {
  const [bags, size] = requireBags("easyLLP", logits, proportions);
  if (!(prior >= 0 && prior <= 1))
    throw new RangeError(`easyLLP: prior is ${prior}; expected a number from 0 to 1`);
  if (!centered) {
    const labels = expandDims(easyLLPLabels(proportions, size, prior), 1);
    const each = weightedTwoSided(logits, labels, subtract(1, labels), { loss, reduction: "none" });
    return reduce(mean(each, { axis: 1 }), reduction);
  }
  if (bags < 2) throw new RangeError(`easyLLP: logits has ${bags} bag; centred differences take at least 2`);
  const { positive, negative } = loss(logits);
  const base = mean(add(multiply(positive, prior), multiply(negative, 1 - prior)), { axis: 1 });
  const difference = mean(subtract(positive, negative), { axis: 1 });
  const others = multiply(subtract(sum(difference), difference), 1 / (bags - 1));
  const noise = multiply(subtract(proportions, prior), size);
  return reduce(add(base, multiply(noise, subtract(difference, others))), reduction);
}

export interface ProportionMatchingOptions extends LossOptions {
  /** How proportions are compared. Default: "kl". */
  distance?: "kl" | "squared";
}

/**
 * Proportion matching: distance between the given proportion of positives α and the mean probability q of a bag,
 * KL(α ‖ q) = α log(α/q) + (1 − α) log((1 − α)/(1 − q)), or (α − q)².
 *
 * The usual baseline for label proportions; from one bag of k = 1 the log loss or the Brier score.
 *
 * Source: Ardehaly and Culotta, "Co-training for demographic classification using deep learning from label
 * proportions" (2017).
 *
 * @param logits [bags, k]
 * @param proportions α, [bags]
 * @returns A scalar, or [bags] with reduction "none".
 */
export function proportionMatching(
  logits: Tensor,
  proportions: Tensor,
  { distance = "kl", reduction }: ProportionMatchingOptions = {},
): Tensor {
  requireBags("proportionMatching", logits, proportions);
  const predicted = mean(sigmoid(logits), { axis: 1 });
  if (distance === "squared") return reduce(square(subtract(proportions, predicted)), reduction);
  if (distance !== "kl")
    throw new RangeError(
      `proportionMatching: distance is ${JSON.stringify(distance)}; expected "kl" or "squared"`,
    );
  // In logarithms, so that neither a mean near 0 nor its gradient is lost; x log x is 0 at x = 0.
  const size = logits.shape[1]!;
  const logMean = (f: Tensor) => subtract(logSumExp(logSigmoid(f), { axis: 1 }), Math.log(size));
  const term = (x: Tensor, logY: Tensor) => multiply(x, subtract(log(maximum(x, 1e-30)), logY));
  const kl = add(term(proportions, logMean(logits)), term(subtract(1, proportions), logMean(negate(logits))));
  return reduce(kl, reduction);
}

export interface U2Options extends LossOptions {
  /** β, the fraction of complete observations: above 0, to 1. */
  completeness: number;
  /** Loss of labels above the prediction: |y − f|, or ½ (y − f)². Default: "absolute". */
  upper?: "absolute" | "squared";
}

/**
 * U2 regression, for labels that are sometimes silently too low: labels above the prediction are trusted, all
 * other examples count as unlabelled. With loss ℓ above and slope 1 below,
 * (f − y) + 1/β [y ≥ f] (ℓ(f, y) − (f − y)).
 *
 * Labels below the prediction add a constant only, so that they have no gradient. If incomplete labels lie
 * below the true function, then at that function the expected gradient is the one on complete labels. With the
 * absolute loss this is 2/β times the pinball loss of the quantile 1 − β/2; it is convex and at least 0.
 *
 * Source: Katsuki and Osogami, "Regression with Sensor Data Containing Incomplete Observations" (2023).
 *
 * @param predictions f, of any shape. The squared loss adds terms of different units: standardise labels for it.
 * @param labels y, of the same shape
 * @returns A scalar, or the shape of the predictions with reduction "none".
 * @throws RangeError for a completeness outside of (0, 1], or an unknown loss.
 */
export function u2Loss(
  predictions: Tensor,
  labels: Tensor,
  { completeness, upper = "absolute", reduction }: U2Options,
): Tensor {
  requireAlike("u2Loss", "labels", labels, "predictions", predictions);
  if (!(completeness > 0 && completeness <= 1))
    throw new RangeError(`u2Loss: completeness is ${completeness}; expected above 0, to 1`);
  if (upper !== "absolute" && upper !== "squared")
    throw new RangeError(`u2Loss: upper is ${JSON.stringify(upper)}; expected "absolute" or "squared"`);
  const below = subtract(predictions, labels);
  const loss = upper === "absolute" ? abs(below) : multiply(square(below), 0.5);
  const trusted = multiply(subtract(loss, below), 1 / completeness);
  const isUpper = stopGradient(greaterEqual(labels, predictions));
  return reduce(add(below, where(isUpper, trusted, 0)), reduction);
}

function requireVector(name: string, argument: string, x: Tensor): void {
  if (x.shape.length !== 1) throw new RangeError(`${name}: ${argument} is ${describe(x)}; expected [n]`);
}

function requireAlike(name: string, argument: string, x: Tensor, other: string, y: Tensor): void {
  if (x.shape.join() !== y.shape.join() || x.dtype !== y.dtype)
    throw new RangeError(`${name}: ${argument} is ${describe(x)}; expected ${describe(y)}, like ${other}`);
}

function requireBags(name: string, logits: Tensor, proportions: Tensor): [bags: number, size: number] {
  if (logits.shape.length !== 2)
    throw new RangeError(`${name}: logits is ${describe(logits)}; expected [bags, size]`);
  if (proportions.shape.length !== 1 || proportions.shape[0] !== logits.shape[0])
    throw new RangeError(
      `${name}: proportions is ${describe(proportions)}; expected [${logits.shape[0]}], one a bag`,
    );
  return logits.shape as unknown as [number, number];
}
