import {
  cast,
  divide,
  equal,
  exp,
  logSigmoid,
  maximum,
  multiply,
  negate,
  pow,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { requireSameShape } from "./elements.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface GaussianFocalOptions extends LossOptions {
  /** α: how fast cells that are right lose weight. Default: 2. */
  alpha?: number;
  /** γ: how fast cells near an object lose weight as background. Default: 4. */
  gamma?: number;
  /** Weight of each cell, of the logits' shape: 0 where nothing is to be learnt. Default: 1. */
  weights?: Tensor;
}

/**
 * Focal loss of heatmaps whose targets are bumps around objects, p = σ(f):
 * −(1 − p)^α log p where the target y is 1, else −(1 − y)^γ p^α log(1 − p).
 *
 * Source: Law and Deng, "CornerNet: Detecting Objects as Paired Keypoints" (2018), equation 1; with masks as weights in
 * Chen et al., "FocalFormer3D: Focusing on Hard Instance for 3D Object Detection" (2023), section 3.2.
 *
 * @param logits f, any shape
 * @param targets y in [0, 1], the same shape; 1 at the cells of objects
 * @returns A scalar, or the logits' shape with reduction "none". "mean" divides the sum by the number of targets of 1
 *   that have a weight, at least 1.
 * @throws RangeError if shapes or element types differ, or for an exponent below 0.
 */
export function gaussianFocalLoss(
  logits: Tensor,
  targets: Tensor,
  { alpha = 2, gamma = 4, weights, reduction }: GaussianFocalOptions = {},
): Tensor {
  requireSameShape("gaussianFocalLoss", logits, targets);
  for (const [name, value] of Object.entries({ alpha, gamma }))
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
      throw new RangeError(`gaussianFocalLoss: ${name} is ${value}; expected a number of at least 0`);
  if (weights && !sameShape(weights.shape, logits.shape))
    throw new RangeError(`gaussianFocalLoss: weights is ${describe(weights)}; expected ${describe(logits)}`);
  const [inside, outside] = [logSigmoid(logits), logSigmoid(negate(logits))];
  // Powers of p and 1 − p from their logarithms, which stay exact at large logits.
  const positive = multiply(exp(multiply(outside, alpha)), inside);
  const negative = multiply(
    multiply(pow(subtract(1, targets), gamma), exp(multiply(inside, alpha))),
    outside,
  );
  const peaks = equal(targets, 1);
  const each = negate(where(peaks, positive, negative));
  const losses = weights ? multiply(each, weights) : each;
  if (reduction !== undefined && reduction !== "mean") return reduce(losses, reduction);
  const counted = cast(peaks, logits.dtype);
  const count = sum(weights ? where(equal(weights, 0), 0, counted) : counted);
  return divide(sum(losses), maximum(count, 1));
}
