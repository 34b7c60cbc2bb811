/** Training an image network to answer alike for an input and for its negative. */
import { add, multiply, stopGradient, type Tensor } from "../tensor/index.ts";
import { requireSameShape } from "./elements.ts";
import { type LossOptions, reduce } from "./reduction.ts";
import { absoluteError } from "./regression.ts";

export interface NegativeGuidanceOptions extends LossOptions {
  /** λ, at least 0. Default: 1. */
  weight?: number;
}

/**
 * Reconstruction with augmented negative guidance: |G(x̃) − y| + λ |G(rot(x̃)) − sg[G(x̃)]|, where no gradient flows through
 * the outputs sg[·] that the negative's are to agree with.
 *
 * Source: Song et al., "NegVSR" (2023); which side is stopped and the weight are not published.
 *
 * @param outputs G(x̃), any shape
 * @param negativeOutputs G(rot(x̃)), the same shape
 * @param targets y, the same shape
 * @returns A scalar, or the shape of the outputs with reduction "none".
 */
export function negativeGuidance(
  outputs: Tensor,
  negativeOutputs: Tensor,
  targets: Tensor,
  { weight = 1, reduction }: NegativeGuidanceOptions = {},
): Tensor {
  requireSameShape("negativeGuidance", outputs, negativeOutputs);
  requireSameShape("negativeGuidance", outputs, targets);
  if (!(weight >= 0 && Number.isFinite(weight)))
    throw new RangeError(`negativeGuidance: weight is ${weight}; expected a number of at least 0`);
  const errors = absoluteError(outputs, targets, { reduction: "none" });
  const guidance = absoluteError(negativeOutputs, stopGradient(outputs), { reduction: "none" });
  return reduce(add(errors, multiply(guidance, weight)), reduction);
}
