import { exp, multiply, type Tensor } from "../tensor/index.ts";
import { softmaxCrossEntropy } from "./classification.ts";
import { logOneMinusSoftmax } from "./log-one-minus-softmax.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface FocalOptions extends LossOptions {
  /** γ: how fast easy examples lose weight; 0 is cross-entropy. Default: 2. */
  gamma?: number;
}

/**
 * Focal loss for one label out of several classes: −(1 − p)^γ log p with p = softmax(f)_y.
 *
 * Source: Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 4, with a softmax in place
 * of the sigmoid.
 *
 * @param logits f, [n, C] with C ≥ 2
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError for a `gamma` below 0, or fewer than two classes.
 */
export function softmaxFocal(
  logits: Tensor,
  labels: Tensor,
  { gamma = 2, reduction }: FocalOptions = {},
): Tensor {
  if (!(gamma >= 0 && gamma < Number.POSITIVE_INFINITY))
    throw new RangeError(`softmaxFocal: gamma is ${gamma}; expected a number of at least 0`);
  const weights = exp(multiply(logOneMinusSoftmax(logits, labels), gamma));
  return reduce(multiply(weights, softmaxCrossEntropy(logits, labels, { reduction: "none" })), reduction);
}
