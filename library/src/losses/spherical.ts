/**
 * The spherical family: losses of outputs o that depend only on Σ o_k, Σ o_k² and the true output o_c.
 * A linear output layer can be trained on them at a cost that does not grow with the number of classes;
 * see `factoredSpherical`.
 */
import {
  add,
  divide,
  log,
  maximum,
  mean,
  multiply,
  negate,
  pick,
  softplus,
  sqrt,
  square,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { type LossOptions, reduce, requireLabelled } from "./reduction.ts";

/** Variances below this are taken for this, so that equal outputs have a finite loss and gradient. */
export const LEAST_VARIANCE = 1e-6;

export interface ZScoreOptions extends LossOptions {
  /** Sharpness a > 0. Default: 1. */
  a?: number;
  /**
   * The standard score b that the true output should pass; no output's exceeds √(classes − 1). The
   * paper tunes a and b to the metric. Default: half of √(classes − 1).
   */
  b?: number;
}

/**
 * Z-loss: log(1 + e^{a (b − z_c)}) / a with z_c = (o_c − μ) / σ, the standard score of the true output
 * among all outputs of its example. Adding a constant to the outputs or scaling them changes nothing.
 *
 * Not a likelihood: it ranks classes and gives no probabilities.
 *
 * Source: de Brébisson and Vincent, "The Z-loss: a shift and scale invariant classification loss
 * belonging to the Spherical Family" (2016), equation 6.
 *
 * @param outputs o, [n, classes] with at least two classes
 * @param labels c, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 */
export function zScoreLoss(
  outputs: Tensor,
  labels: Tensor,
  { a = 1, b, reduction }: ZScoreOptions = {},
): Tensor {
  requireLabelled("zScoreLoss", outputs, labels);
  const classes = requireClasses("zScoreLoss", outputs);
  if (!(a > 0)) throw new RangeError(`zScoreLoss: a is ${a}; expected a number above 0`);
  const centered = subtract(outputs, mean(outputs, { axis: 1, keepDims: true }));
  const variance = maximum(mean(square(centered), { axis: 1 }), LEAST_VARIANCE);
  const z = divide(pick(centered, labels), sqrt(variance));
  const wanted = b ?? Math.sqrt(classes - 1) / 2;
  return reduce(multiply(softplus(multiply(subtract(wanted, z), a)), 1 / a), reduction);
}

/**
 * Cross-entropy of the Taylor softmax, which has 1 + o + o²/2 in place of eᵒ:
 * −log (1 + o_c + o_c²/2) / Σ_k (1 + o_k + o_k²/2).
 *
 * Source: de Brébisson and Vincent, "An Exploration of Softmax Alternatives Belonging to the Spherical
 * Loss Family" (2016), section 3.2.
 *
 * @param outputs o, [n, classes]
 * @param labels c, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 */
export function taylorSoftmaxLoss(outputs: Tensor, labels: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireLabelled("taylorSoftmaxLoss", outputs, labels);
  // ((1 + o)² + 1) / 2: in this form the sum has no cancellation.
  return shareLoss(add(square(add(outputs, 1)), 1), labels, reduction);
}

/**
 * Cross-entropy of the spherical softmax: −log (o_c² + ε) / Σ_k (o_k² + ε).
 *
 * Source: as for `taylorSoftmaxLoss`, section 3.1.
 *
 * @param outputs o, [n, classes]
 * @param labels c, int32 [n]
 * @param options.epsilon ε > 0, which keeps the gradient at o_c = 0 finite. Default: 1e-3.
 * @returns A scalar, or [n] with reduction "none".
 */
export function sphericalSoftmaxLoss(
  outputs: Tensor,
  labels: Tensor,
  { epsilon = 1e-3, reduction }: LossOptions & { epsilon?: number } = {},
): Tensor {
  requireLabelled("sphericalSoftmaxLoss", outputs, labels);
  if (!(epsilon > 0))
    throw new RangeError(`sphericalSoftmaxLoss: epsilon is ${epsilon}; expected a number above 0`);
  return shareLoss(add(square(outputs), epsilon), labels, reduction);
}

/** −log of the true class's share of positive masses. */
function shareLoss(masses: Tensor, labels: Tensor, reduction: LossOptions["reduction"]): Tensor {
  return reduce(negate(subtract(log(pick(masses, labels)), log(sum(masses, { axis: 1 })))), reduction);
}

function requireClasses(name: string, outputs: Tensor): number {
  const classes = outputs.shape[1]!;
  if (classes < 2) throw new RangeError(`${name}: outputs has ${classes} classes; expected at least 2`);
  return classes;
}
