import { add, divide, exp, greater, maximum, negate, subtract, type Tensor, where } from "../tensor/index.ts";
import { softmaxCrossEntropy } from "./classification.ts";
import { logOneMinusSoftmax } from "./log-one-minus-softmax.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface EncouragingOptions extends LossOptions {
  /**
   * LE: the probability at which the curve of the bonus goes over into its tangent, above 0 and at most 1.
   * At 1 there is no tangent, and the bonus ends at log 1e-5 instead. Default: 0.75.
   */
  logEnd?: number;
}

/**
 * Encouraging loss: cross-entropy plus a bonus for being right, −log p + b(p) with p = softmax(f)_y and
 *
 *     b(p) = log(1 − p)                                  for p ≤ LE,
 *     b(p) = log(1 − LE) − (p − LE) / (1 − LE)           for p > LE.
 *
 * The gradient on the true logit is −1 up to p = LE, where that of cross-entropy is −(1 − p), so examples
 * that are already right keep pulling. The loss falls below 0 at p = 1/2, and its infimum is log(1 − LE) − 1.
 *
 * Source: Zhao et al., "Well-classified Examples are Underestimated in Classification with Deep Neural
 * Networks" (2021), section 3; the end at log 1e-5 for LE = 1 is the authors' code's.
 *
 * @param logits f, [n, C] with C ≥ 2
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError for a `logEnd` that is not above 0 and at most 1, or fewer than two classes.
 */
export function encouraging(
  logits: Tensor,
  labels: Tensor,
  { logEnd = 0.75, reduction }: EncouragingOptions = {},
): Tensor {
  if (!(logEnd > 0 && logEnd <= 1))
    throw new RangeError(`encouraging: logEnd is ${logEnd}; expected a number above 0 and at most 1`);
  const logWrong = logOneMinusSoftmax(logits, labels);
  const crossEntropy = softmaxCrossEntropy(logits, labels, { reduction: "none" });
  return reduce(add(crossEntropy, bonus(logWrong, crossEntropy, logEnd)), reduction);
}

function bonus(logWrong: Tensor, crossEntropy: Tensor, logEnd: number): Tensor {
  if (logEnd === 1) return maximum(logWrong, Math.log(1e-5));
  const p = exp(negate(crossEntropy));
  const tangent = subtract(Math.log(1 - logEnd), divide(subtract(p, logEnd), 1 - logEnd));
  return where(greater(p, logEnd), tangent, logWrong);
}
