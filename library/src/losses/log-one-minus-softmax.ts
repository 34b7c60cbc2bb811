import { logSumExp, oneHot, subtract, type Tensor, where } from "../tensor/index.ts";
import { requireLabelled } from "./reduction.ts";

/**
 * log(1 − softmax(f)_y) for each row: the log-probability that the class is any but the labelled one.
 *
 * Computed as logSumExp over the other classes minus logSumExp over all, so that nothing cancels where
 * the probability is close to 1.
 *
 * @param logits f, [n, C] with C ≥ 2
 * @param labels y, int32 [n]
 * @returns [n], at most 0
 * @throws RangeError with fewer than two classes.
 */
export function logOneMinusSoftmax(logits: Tensor, labels: Tensor): Tensor {
  requireLabelled("logOneMinusSoftmax", logits, labels);
  const classes = logits.shape[1]!;
  if (classes < 2)
    throw new RangeError(`logOneMinusSoftmax: logits has ${classes} classes; expected at least 2`);
  const labelled = oneHot(labels, classes, "bool");
  const others = logSumExp(where(labelled, Number.NEGATIVE_INFINITY, logits), { axis: 1 });
  return subtract(others, logSumExp(logits, { axis: 1 }));
}
