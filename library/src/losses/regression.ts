/** Losses for numbers: predictions and targets of one shape, one loss for each element. */
import {
  abs,
  add,
  clip,
  log,
  log1p,
  maximum,
  minimum,
  multiply,
  negate,
  square,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { perExample, requireSameShape } from "./elements.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Squared error: (ŷ − y)². Its mean is the MSE.
 *
 * @param predictions ŷ, any shape
 * @param targets y, the same shape
 * @returns A scalar, or the shape of the predictions with reduction "none".
 */
export function squaredError(predictions: Tensor, targets: Tensor, { reduction }: LossOptions = {}): Tensor {
  return reduce(square(difference("squaredError", predictions, targets)), reduction);
}

/**
 * Absolute error: |ŷ − y|. Its mean is the MAE; the gradient where it is 0 is 0.
 *
 * @param predictions ŷ, any shape
 * @param targets y, the same shape
 * @returns A scalar, or the shape of the predictions with reduction "none".
 */
export function absoluteError(predictions: Tensor, targets: Tensor, { reduction }: LossOptions = {}): Tensor {
  return reduce(abs(difference("absoluteError", predictions, targets)), reduction);
}

/**
 * Huber loss: e²/2 up to |e| = δ, then the tangent δ (|e| − δ/2).
 *
 * Source: Huber, "Robust Estimation of a Location Parameter" (1964).
 *
 * @param predictions ŷ, any shape; e = ŷ − y
 * @param targets y, the same shape
 * @param options.delta δ > 0, in units of the targets. Default: 1.
 * @returns A scalar, or the shape of the predictions with reduction "none".
 * @throws RangeError if δ is not above 0.
 */
export function huber(
  predictions: Tensor,
  targets: Tensor,
  { delta = 1, reduction }: LossOptions & { delta?: number } = {},
): Tensor {
  if (!(delta > 0 && Number.isFinite(delta)))
    throw new RangeError(`huber: delta is ${delta}; expected a finite number above 0`);
  const error = difference("huber", predictions, targets);
  const inner = clip(error, -delta, delta);
  // c (e − c/2) with e clipped to c: e²/2 inside, the tangent outside, and never the square of a large e.
  return reduce(multiply(inner, subtract(error, multiply(inner, 0.5))), reduction);
}

/**
 * Pinball loss, whose expectation the q-quantile minimises: q (y − ŷ) where the prediction is too low,
 * (1 − q)(ŷ − y) where it is too high. At q = 1/2 it is half the absolute error.
 *
 * Source: Koenker and Bassett, "Regression Quantiles" (1978), equation 2.1.
 *
 * @param predictions ŷ, any shape
 * @param targets y, the same shape
 * @param options.quantile q, between 0 and 1. Default: 0.5.
 * @returns A scalar, or the shape of the predictions with reduction "none".
 * @throws RangeError if q is not between 0 and 1.
 */
export function pinball(
  predictions: Tensor,
  targets: Tensor,
  { quantile = 0.5, reduction }: LossOptions & { quantile?: number } = {},
): Tensor {
  if (!(quantile > 0 && quantile < 1))
    throw new RangeError(`pinball: quantile is ${quantile}; expected a number between 0 and 1`);
  const low = negate(difference("pinball", predictions, targets));
  return reduce(maximum(multiply(low, quantile), multiply(low, quantile - 1)), reduction);
}

export interface LogAmplifyOptions {
  /** Error from which on the tangent is followed, at most 1. Default: 0.999. */
  tail?: number;
  /** Added inside the logarithm. Default: 0. */
  eps?: number;
}

/**
 * Loss amplification: −log(1 − e + ε) of errors e that lie in [0, 1). It is e + e²/2 + e³/3 + …, so small
 * errors stay what they are and the slope of large ones grows as 1 / (1 − e). From `tail` on the tangent
 * takes over, so that errors at and beyond 1 have a finite loss and a gradient that draws them back.
 *
 * Source: Park et al., "Neural Network Training Strategy to Enhance Anomaly Detection Performance: A
 * Perspective on Reconstruction Loss Amplification" (2023).
 *
 * @param errors e ≥ 0, any shape, for instance squared errors of pixels in [0, 1]
 * @returns The shape of the errors.
 * @throws RangeError if 1 − tail + eps is not above 0, or eps is negative.
 */
export function logAmplify(errors: Tensor, { tail = 0.999, eps = 0 }: LogAmplifyOptions = {}): Tensor {
  if (!(eps >= 0)) throw new RangeError(`logAmplify: eps is ${eps}; expected a number of at least 0`);
  if (!(tail > 0 && tail <= 1 && 1 - tail + eps > 0))
    throw new RangeError(`logAmplify: tail is ${tail}; expected above 0 and below 1 (1 with eps above 0)`);
  const inner = minimum(errors, tail);
  const beyond = multiply(subtract(errors, inner), 1 / (1 - tail + eps));
  // In this order 1 − e is exact where e is near 1, and ε is not lost beside 1.
  return subtract(beyond, log(add(subtract(1, inner), eps)));
}

export interface LogMSEOptions extends LossOptions {
  /**
   * "element": −log(1 − e² + ε) of each element. "mean": −log(1 − MSE + ε) of each example, the MSE being
   * over all axes but the first. "log1p": log(1 + e²) of each element, the opposite shape: it flattens
   * where errors are large. Default: "element".
   */
  form?: "element" | "mean" | "log1p";
  /** ε. Default: 1e-7. */
  eps?: number;
}

/**
 * Logarithmic mean squared error: −log(1 − e² + ε). Equal to the squared error where errors are small and
 * with a slope of 2e / (1 − e² + ε) much steeper where |e| nears 1. Predictions and targets belong in
 * [0, 1] (a sigmoid output): beyond |e| = 1 the loss goes on along its tangent, of slope 1/ε in e².
 *
 * Source: Park, "Concise Logarithmic Loss Function for Robust Training of Anomaly Detection Model" (2022).
 *
 * @param predictions ŷ in [0, 1], any shape; the form "mean" needs at least [n, …]
 * @param targets y in [0, 1], the same shape
 * @returns A scalar; with reduction "none" the shape of the predictions, or [n] in the form "mean".
 * @throws RangeError for an unknown form or ε not above 0.
 */
export function logMSE(
  predictions: Tensor,
  targets: Tensor,
  { form = "element", eps = 1e-7, reduction }: LogMSEOptions = {},
): Tensor {
  if (!(eps > 0)) throw new RangeError(`logMSE: eps is ${eps}; expected a number above 0`);
  const squares = square(difference("logMSE", predictions, targets));
  switch (form) {
    case "element":
      return reduce(logAmplify(squares, { tail: 1, eps }), reduction);
    case "mean":
      return reduce(logAmplify(perExample("logMSE", squares), { tail: 1, eps }), reduction);
    case "log1p":
      return reduce(log1p(squares), reduction);
    default:
      throw new RangeError(`logMSE: form is ${JSON.stringify(form)}; expected "element", "mean" or "log1p"`);
  }
}

function difference(loss: string, predictions: Tensor, targets: Tensor): Tensor {
  requireSameShape(loss, predictions, targets);
  return subtract(predictions, targets);
}
