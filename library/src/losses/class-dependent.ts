/** Losses of a binary task in which one class must not be missed. */
import {
  add,
  divide,
  expandDims,
  maximum,
  multiply,
  relu,
  square,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { bceWithLogits } from "./multilabel.ts";

export interface SquaredHingeAucOptions {
  /** Δ: by how much positives shall score above negatives. Default: 1. */
  margin?: number;
}

/**
 * Squared hinge over all pairs of a positive and a negative: 1 / (|P| |N|) Σ_ij max(0, Δ − (z_i − z_j))².
 *
 * It is 0 just where every positive scores by Δ above every negative, and then AUC is 1. For Δ = 1 it bounds
 * 1 − AUC from above. A number added to all scores changes nothing.
 *
 * Source: Gao and Zhou, "On the Consistency of AUC Pairwise Optimization" (2015), the q-norm hinge for q = 2;
 * the ranking term of Entezari and Saukh, "Class-dependent Compression of Deep Neural Networks" (2019).
 *
 * @param scores z, [n]
 * @param targets [n], 1 or 0 in the scores' element type.
 * @returns A scalar, the mean over pairs; 0 without a positive or without a negative.
 */
export function squaredHingeAUC(
  scores: Tensor,
  targets: Tensor,
  { margin = 1 }: SquaredHingeAucOptions = {},
): Tensor {
  if (scores.shape.length !== 1)
    throw new RangeError(`squaredHingeAUC: scores is ${describe(scores)}; expected [n]`);
  if (!sameShape(scores.shape, targets.shape) || scores.dtype !== targets.dtype)
    throw new RangeError(`squaredHingeAUC: targets is ${describe(targets)}; expected ${describe(scores)}`);
  if (!(margin > 0)) throw new RangeError(`squaredHingeAUC: margin is ${margin}; expected a number above 0`);
  const negatives = subtract(1, targets);
  const shortfalls = relu(add(subtract(expandDims(scores, 0), expandDims(scores, 1)), margin));
  const pairs = multiply(expandDims(targets, 1), expandDims(negatives, 0));
  const count = maximum(multiply(sum(targets), sum(negatives)), 1);
  return divide(sum(multiply(square(shortfalls), pairs)), count);
}

export interface ClassDependentOptions extends SquaredHingeAucOptions {
  /** w₊: weight of the class that must not be missed, a number or a scalar tensor. Default: 2. */
  posWeight?: number | Tensor;
  /** η: weight of the ranking term. Default: 1. */
  eta?: number;
}

/**
 * Binary cross-entropy with weighted positives, plus η times `squaredHingeAUC`.
 *
 * Source: Entezari and Saukh (2019), the combined loss.
 *
 * @param logits z, [n]
 * @param targets [n], 1 or 0 in the logits' element type.
 * @returns A scalar.
 */
export function classDependent(
  logits: Tensor,
  targets: Tensor,
  { posWeight = 2, eta = 1, margin }: ClassDependentOptions = {},
): Tensor {
  if (!(eta >= 0)) throw new RangeError(`classDependent: eta is ${eta}; expected a number of at least 0`);
  const ranking = squaredHingeAUC(logits, targets, { margin });
  return add(bceWithLogits(logits, targets, { posWeight }), multiply(ranking, eta));
}
