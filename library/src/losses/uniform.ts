/** Losses that ask for a prediction without information. */
import { logSoftmax, mean, negate, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Cross-entropy of the uniform distribution: −1/C Σ_c log softmax(f)_c. At least log C, where all logits are
 * equal; the gradient is softmax(f)_c − 1/C.
 *
 * Source: the negative prompts of Tian et al., "ArGue: Attribute-Guided Prompt Tuning for Vision-Language Models"
 * (2023), section 3.4; the same for outliers in Hendrycks et al., "Deep Anomaly Detection with Outlier Exposure"
 * (2019).
 *
 * @param logits f, [n, C]
 * @returns A scalar, or [n] with reduction "none".
 */
export function uniformCrossEntropy(logits: Tensor, { reduction }: LossOptions = {}): Tensor {
  if (logits.shape.length !== 2)
    throw new RangeError(`uniformCrossEntropy: logits is ${describe(logits)}; expected [n, classes]`);
  return reduce(negate(mean(logSoftmax(logits), { axis: 1 })), reduction);
}
