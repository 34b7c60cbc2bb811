/**
 * Pooling bias: annotators saw only the documents that basic retrievers had pooled, so that an unlabelled
 * document is irrelevant or was never seen. A model of relevance and a model of selection, trained
 * together, each say how far the other may trust an unlabelled document as a negative.
 */
import { contrast } from "../losses/contrastive.ts";
import type { LossOptions } from "../losses/reduction.ts";
import {
  add,
  clip,
  concat,
  divide,
  exp,
  log,
  minimum,
  multiply,
  slice,
  stopGradient,
  subtract,
  type Tensor,
  zeros,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export interface CoupledWeightOptions {
  /**
   * "ratio" (default): the probability that an unlabelled document was selected, over the positive's.
   * "posterior": the probability that it is irrelevant, given that it is not labelled.
   */
  mode?: "ratio" | "posterior";
  /** Smallest and largest weight. Default [0.1, 10]. */
  bounds?: readonly [low: number, high: number];
}

/** Factors on the negatives' exponentials in the two list losses, [n, k] each, without gradients. */
export interface CoupledWeights {
  /** In the loss of the relevance model. */
  relevance: Tensor;
  /** In the loss of the selection model. */
  selection: Tensor;
}

/**
 * Weights of the negatives in the coupled estimation of relevance and selection. With S and R the softmax
 * of the two models' scores over a list, the weights of "ratio" are
 *
 *     w^R_i = S(q, d_i) / S(q, d⁺)    and    w^S_i = R(q, d_i) / R(q, d⁺):
 *
 * a document that the pool would have missed counts little against relevance, and one that is relevant but
 * not labelled counts much against selection. Those of "posterior" take the labelled positive as certain and
 * s_i = min(1, S_i / S⁺), r_i = min(1, R_i / R⁺) as probabilities, whose product is that of a label:
 *
 *     w^R_i = P(irrelevant | unlabelled) = (1 − r_i) / (1 − s_i r_i),
 *     w^S_i = P(not selected | unlabelled) = (1 − s_i) / (1 − s_i r_i).
 *
 * Source: Cai et al. 2022, "Hard Negatives or False Negatives: Correcting Pooling Bias in Training Neural
 * Ranking Models", after the dual learning of Ai et al. 2018.
 *
 * @param relevance scores of the relevance model, the labelled positive's first, [n, 1 + k]
 * @param selection scores of the selection model, likewise
 */
export function coupledWeights(
  relevance: Tensor,
  selection: Tensor,
  { mode = "ratio", bounds = [0.1, 10] }: CoupledWeightOptions = {},
): CoupledWeights {
  requireLists("coupledWeights: relevance", relevance);
  requireLists("coupledWeights: selection", selection);
  if (relevance.shape[0] !== selection.shape[0] || relevance.shape[1] !== selection.shape[1])
    throw new RangeError(
      `coupledWeights: relevance ${describe(relevance)} and selection ${describe(selection)}; expected equal shapes`,
    );
  const [low, high] = bounds;
  if (!(low > 0 && low <= high && high < Infinity))
    throw new RangeError(`coupledWeights: bounds is [${low}, ${high}]; expected 0 < low ≤ high, both finite`);
  const bounded = (weights: Tensor) => stopGradient(clip(weights, low, high));
  // Beyond the bounds a larger exponent changes nothing, and must not overflow.
  const cap = Math.log(high) + 1;
  if (mode === "ratio")
    return {
      relevance: bounded(exp(minimum(behindPositive(selection), cap))),
      selection: bounded(exp(minimum(behindPositive(relevance), cap))),
    };
  if (mode !== "posterior")
    throw new RangeError(`coupledWeights: mode is ${JSON.stringify(mode)}; expected "ratio" or "posterior"`);
  const certain = (scores: Tensor) => exp(minimum(behindPositive(scores), 0));
  // Short of 1, so that 0 / 0 becomes its limit: what is surely selected and unlabelled is irrelevant.
  const [r, s] = [certain(relevance), certain(selection)];
  const posterior = (own: Tensor, other: Tensor) => {
    const most = minimum(own, 1 - 1e-6);
    return divide(subtract(1, most), subtract(1, multiply(most, other)));
  };
  return { relevance: bounded(posterior(r, s)), selection: bounded(posterior(s, r)) };
}

/**
 * Softmax cross-entropy over a list, with factors on the negatives' exponentials:
 * −log e^{s⁺} / (e^{s⁺} + Σ_i w_i e^{s_i}).
 *
 * Source: Cai et al. 2022, the loss of both models of the coupled estimation.
 *
 * @param scores the positive's first, [n, 1 + k]
 * @param weights of the negatives, at least 0, [n, k]
 * @returns A scalar, or [n] with reduction "none".
 */
export function weightedListLoss(scores: Tensor, weights: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireLists("weightedListLoss: scores", scores);
  const [n, width] = scores.shape as [number, number];
  if (weights.shape.length !== 2 || weights.shape[0] !== n || weights.shape[1] !== width - 1)
    throw new RangeError(
      `weightedListLoss: weights is ${describe(weights)}; expected [${n}, ${width - 1}], as many as negatives`,
    );
  const positive = slice(scores, [null, 0]);
  const logs = concat([zeros([n, 1], scores.dtype), stopGradient(log(weights))], 1);
  return contrast(positive, add(scores, logs), { reduction });
}

/** Scores of the negatives minus the positive's, [n, k]. */
const behindPositive = (scores: Tensor): Tensor =>
  subtract(slice(scores, [null, [1, scores.shape[1]!]]), slice(scores, [null, [0, 1]]));

function requireLists(name: string, scores: Tensor): void {
  if (scores.shape.length !== 2 || scores.shape[1]! < 2)
    throw new RangeError(`${name} is ${describe(scores)}; expected [n, 1 + k], with k of at least 1`);
}
