/** Losses for one label out of several classes: logits [n, classes], labels int32 [n]. */
import {
  add,
  customGradient,
  divide,
  exp,
  expandDims,
  logSoftmax,
  multiply,
  negate,
  oneHot,
  pick,
  scatterElements,
  square,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { type LossOptions, reduce, requireLabelled } from "./reduction.ts";

/**
 * Cross-entropy: −log softmax(f)_y.
 *
 * @param logits f, [n, classes]
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireLabelled("softmaxCrossEntropy", logits, labels);
  const column = expandDims(labels, 1);
  // The gradient softmax(f) − 1_y is written out: scattering one number a row spares passes over [n, classes].
  const losses = customGradient(
    (f: Tensor) => negate(pick(logSoftmax(f), labels)),
    (g, _losses, f) => {
      const each = expandDims(g, 1);
      return [add(multiply(exp(logSoftmax(f)), each), scatterElements(f.shape, column, negate(each)))];
    },
  );
  return reduce(losses(logits), reduction);
}

/**
 * Squentropy: cross-entropy plus the mean squared logit of the wrong classes,
 * −log softmax(f)_y + 1/(C − 1) Σ_{j≠y} f_j².
 *
 * The square is of the logits as they are, so adding a constant to all of them changes the loss; the
 * true logit is left to the cross-entropy.
 *
 * Source: Hui, Belkin and Wright, "Cut your Losses with Squentropy" (2023), equation 1.
 *
 * @param logits f, [n, C] with C ≥ 2
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError with fewer than two classes.
 */
export function squentropy(logits: Tensor, labels: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireLabelled("squentropy", logits, labels);
  const classes = logits.shape[1]!;
  if (classes < 2) throw new RangeError(`squentropy: logits has ${classes} classes; expected at least 2`);
  const wrong = subtract(1, oneHot(labels, classes, logits.dtype));
  const squares = multiply(sum(multiply(wrong, square(logits)), { axis: 1 }), 1 / (classes - 1));
  return reduce(add(softmaxCrossEntropy(logits, labels, { reduction: "none" }), squares), reduction);
}

/**
 * Rescaled square loss: 1/C [k (f_y − M)² + Σ_{j≠y} f_j²].
 *
 * Source: Hui and Belkin, "Evaluation of neural architectures trained with square loss vs
 * cross-entropy in classification tasks" (2021), section 2; a baseline of squentropy.
 *
 * @param logits f, [n, C]
 * @param labels y, int32 [n]
 * @param options.k Weight of the true class. Default: 1.
 * @param options.M Target of the true logit. Default: 1.
 */
export function rescaledSquare(
  logits: Tensor,
  labels: Tensor,
  { k = 1, M = 1, reduction }: LossOptions & { k?: number; M?: number } = {},
): Tensor {
  requireLabelled("rescaledSquare", logits, labels);
  const classes = logits.shape[1]!;
  const hot = oneHot(labels, classes, logits.dtype);
  const residual = subtract(logits, multiply(hot, M));
  const weights = add(multiply(hot, k - 1), 1);
  return reduce(divide(sum(multiply(weights, square(residual)), { axis: 1 }), classes), reduction);
}
