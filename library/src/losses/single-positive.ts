/** Multi-label learning where each example has one known positive label, and all its other labels are unknown. */
import {
  add,
  greater,
  multiply,
  negate,
  sigmoid,
  softplus,
  subtract,
  type Tensor,
  where,
} from "../tensor/index.ts";

import { describe, sameShape } from "../tensor/tensor.ts";
import { bceWithLogits } from "./multilabel.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface AssumeNegativeOptions extends LossOptions {
  /** ε of label smoothing: targets are ε/2 and 1 − ε/2. Default: 0. */
  smoothing?: number;
}

/**
 * Binary cross-entropy with every unknown label taken for negative, the usual baseline.
 *
 * Source: Cole et al., "Multi-Label Learning from Single Positive Labels" (2021), equations 4 and 5.
 *
 * @param logits z, any shape
 * @param observed 1 (known to be positive) or 0 (unknown), same shape and element type
 * @returns A scalar, or the logits' shape with reduction "none".
 */
export function assumeNegative(
  logits: Tensor,
  observed: Tensor,
  { smoothing = 0, reduction }: AssumeNegativeOptions = {},
): Tensor {
  requireAlike("assumeNegative", "observed", observed, logits);
  if (!(smoothing >= 0 && smoothing <= 1))
    throw new RangeError(`assumeNegative: smoothing is ${smoothing}; expected a number from 0 to 1`);
  const targets = smoothing === 0 ? observed : add(multiply(observed, 1 - smoothing), smoothing / 2);
  return bceWithLogits(logits, targets, { reduction });
}

export interface EntropyMaximizationOptions extends LossOptions {
  /** α, weight of the entropy of unknown labels. The paper tunes it from 0.01 to 0.2. Default: 0.1. */
  alpha?: number;
  /** Soft labels given to some of the unknown ones; see `asymmetricPseudoLabels` in nearmiss/negatives. */
  pseudoLabels?: {
    /** 1 where there is a pseudo-label, else 0, in the logits' shape and element type. */
    chosen: Tensor;
    /** q, 0 to 1, likewise. */
    targets: Tensor;
  };
  /** β, weight of pseudo-labels. The paper tunes it from 0.02 to 0.9. Default: 0.9. */
  beta?: number;
}

/**
 * Entropy maximisation: −log p for a known positive label, −α H(p) for an unknown one, and
 * β (−q log p − (1 − q) log(1 − p)) for one with a pseudo-label q, with p = σ(z) and H the entropy in nats.
 *
 * An unknown label is drawn gently towards p = ½ with the gradient α z p (1 − p), which is 0 at p = ½ and small
 * at both ends: the network may leave it high or low. All scores come out higher than with known labels, so
 * thresholds belong above ½.
 *
 * Source: Zhou et al., "Acknowledging the Unknown for Multi-label Learning with Single Positive Labels" (2022),
 * equations 2 to 6.
 *
 * @param logits z, any shape
 * @param observed 1 (known to be positive) or 0 (unknown), same shape and element type
 * @returns A scalar, or the logits' shape with reduction "none".
 */
export function entropyMaximization(
  logits: Tensor,
  observed: Tensor,
  { alpha = 0.1, pseudoLabels, beta = 0.9, reduction }: EntropyMaximizationOptions = {},
): Tensor {
  requireAlike("entropyMaximization", "observed", observed, logits);
  requireWeight("entropyMaximization", "alpha", alpha);
  requireWeight("entropyMaximization", "beta", beta);
  const entropy = subtract(softplus(logits), multiply(logits, sigmoid(logits)));
  let unknown = multiply(entropy, -alpha);
  if (pseudoLabels) {
    requireAlike("entropyMaximization", "pseudoLabels.chosen", pseudoLabels.chosen, logits);
    const soft = bceWithLogits(logits, pseudoLabels.targets, { reduction: "none" });
    unknown = where(greater(pseudoLabels.chosen, 0), multiply(soft, beta), unknown);
  }
  return reduce(where(greater(observed, 0), softplus(negate(logits)), unknown), reduction);
}

function requireAlike(name: string, argument: string, x: Tensor, logits: Tensor): void {
  if (!sameShape(x.shape, logits.shape) || x.dtype !== logits.dtype)
    throw new RangeError(`${name}: ${argument} is ${describe(x)}; expected ${describe(logits)}, as logits`);
}

function requireWeight(name: string, argument: string, weight: number): void {
  if (!(weight >= 0))
    throw new RangeError(`${name}: ${argument} is ${weight}; expected a number of at least 0`);
}
