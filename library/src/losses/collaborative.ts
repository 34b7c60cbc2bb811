/**
 * Losses of recommendation from implicit feedback: the score of an item that a user chose against the scores
 * of drawn items. All take scores, so that they go with any encoder.
 */
import {
  add,
  concat,
  expandDims,
  mean,
  multiply,
  negate,
  relu,
  softplus,
  square,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { contrast } from "./contrastive.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface CosineContrastiveOptions extends LossOptions {
  /** m: negatives with a cosine below it are left alone. Default: 0.4. */
  margin?: number;
  /** w, the weight of all negatives together; null: each counts 1, the sum instead of the mean. Default: 150. */
  negativeWeight?: number | null;
}

/**
 * Cosine contrastive loss: (1 − s⁺) + w/|N| Σ_j max(0, s_j − m).
 *
 * Source: Mao et al., "SimpleX: A simple and strong baseline for collaborative filtering" (2021);
 * null for w as in the authors' code. Its margin and weight were searched anew for each data set.
 *
 * @param positive Cosines of users with items that they chose, [n].
 * @param negatives Cosines with drawn items, [n, k].
 * @returns A scalar, or [n] with reduction "none".
 */
export function cosineContrastive(
  positive: Tensor,
  negatives: Tensor,
  { margin = 0.4, negativeWeight = 150, reduction }: CosineContrastiveOptions = {},
): Tensor {
  requireScores("cosineContrastive", positive, negatives);
  if (!(margin >= -1 && margin <= 1))
    throw new RangeError(`cosineContrastive: margin is ${margin}; expected a cosine, -1 to 1`);
  if (negativeWeight !== null && !(negativeWeight >= 0))
    throw new RangeError(
      `cosineContrastive: negativeWeight is ${negativeWeight}; expected a number of at least 0, or null`,
    );
  const above = relu(subtract(negatives, margin));
  const pushed =
    negativeWeight === null ? sum(above, { axis: 1 }) : multiply(mean(above, { axis: 1 }), negativeWeight);
  return reduce(add(subtract(1, positive), pushed), reduction);
}

/**
 * Bayesian personalised ranking: the mean over negatives of −log σ(s⁺ − s_j).
 *
 * Source: Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback" (2009).
 *
 * @param positive [n] @param negatives [n, k]
 */
export function bprLoss(positive: Tensor, negatives: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireScores("bprLoss", positive, negatives);
  return reduce(mean(softplus(subtract(negatives, expandDims(positive, 1))), { axis: 1 }), reduction);
}

/**
 * Softmax over the positive and the drawn items: −log e^{s⁺/τ} / (e^{s⁺/τ} + Σ_j e^{s_j/τ}).
 *
 * @param positive [n] @param negatives [n, k]
 * @param options.temperature τ. Default: 1.
 */
export function sampledSoftmax(
  positive: Tensor,
  negatives: Tensor,
  { temperature = 1, reduction }: LossOptions & { temperature?: number } = {},
): Tensor {
  requireScores("sampledSoftmax", positive, negatives);
  if (!(temperature > 0))
    throw new RangeError(`sampledSoftmax: temperature is ${temperature}; expected a number above 0`);
  const scaled = multiply(positive, 1 / temperature);
  const candidates = concat([expandDims(scaled, 1), multiply(negatives, 1 / temperature)], 1);
  return contrast(scaled, candidates, { reduction });
}

/**
 * Pairwise hinge: the mean over negatives of max(0, margin − s⁺ + s_j).
 *
 * @param positive [n] @param negatives [n, k]
 * @param options.margin Default: 1.
 */
export function pairwiseHinge(
  positive: Tensor,
  negatives: Tensor,
  { margin = 1, reduction }: LossOptions & { margin?: number } = {},
): Tensor {
  requireScores("pairwiseHinge", positive, negatives);
  if (!(margin >= 0))
    throw new RangeError(`pairwiseHinge: margin is ${margin}; expected a number of at least 0`);
  const short = add(subtract(negatives, expandDims(positive, 1)), margin);
  return reduce(mean(relu(short), { axis: 1 }), reduction);
}

export interface PointwiseOptions extends LossOptions {
  /** Weight of all negatives together, against 1 of the positive. Default: 1. */
  negativeWeight?: number;
}

/**
 * Binary cross-entropy of implicit feedback: −log σ(s⁺) − w/|N| Σ_j log σ(−s_j).
 *
 * @param positive [n] @param negatives [n, k]
 */
export function implicitCrossEntropy(
  positive: Tensor,
  negatives: Tensor,
  { negativeWeight = 1, reduction }: PointwiseOptions = {},
): Tensor {
  requireScores("implicitCrossEntropy", positive, negatives);
  const pushed = multiply(mean(softplus(negatives), { axis: 1 }), negativeWeight);
  return reduce(add(softplus(negate(positive)), pushed), reduction);
}

/**
 * Squared error of implicit feedback: (1 − s⁺)² + w/|N| Σ_j s_j².
 *
 * @param positive [n] @param negatives [n, k]
 */
export function implicitSquaredError(
  positive: Tensor,
  negatives: Tensor,
  { negativeWeight = 1, reduction }: PointwiseOptions = {},
): Tensor {
  requireScores("implicitSquaredError", positive, negatives);
  const pushed = multiply(mean(square(negatives), { axis: 1 }), negativeWeight);
  return reduce(add(square(subtract(1, positive)), pushed), reduction);
}

function requireScores(name: string, positive: Tensor, negatives: Tensor): void {
  if (positive.shape.length !== 1)
    throw new RangeError(`${name}: positive is ${describe(positive)}; expected scores [n]`);
  const [n] = positive.shape;
  if (negatives.shape.length !== 2 || negatives.shape[0] !== n || negatives.shape[1] === 0)
    throw new RangeError(
      `${name}: negatives is ${describe(negatives)}; expected scores [${n}, k], k above 0`,
    );
}
