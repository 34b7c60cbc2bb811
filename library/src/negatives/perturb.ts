/**
 * Contrastive pairs made in hidden space: a sequence's vectors are moved along gradients, a near one to what is
 * wrong and a far one to what still says the same.
 */
import { l2Normalize } from "../losses/contrastive.ts";
import {
  add,
  any,
  exp,
  grad,
  logSoftmax,
  multiply,
  notEqual,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";

/**
 * The imposter of a sequence, h_t + ε g_t / ‖g_t‖ with g = ∇_h loss: near to it, and less likely than anything else at
 * that distance, to first order. Each token is moved by ε, whatever the length of its own gradient; a token on which
 * the loss does not depend (padding) stays.
 *
 *     const imposter = likelihoodImposter(hidden, (h) => tokenCrossEntropy(model.logits(params, h), targets, mask));
 *
 * No gradient flows through the result.
 *
 * Source: Lee, Lee and Hwang, "Contrastive Learning with Adversarial Perturbations for Conditional Text Generation"
 * (2020), equation 4, and its code, which normalises each token by itself.
 *
 * @param hidden h, the decoder's last vectors, [n, length, width].
 * @param loss The negative log-likelihood of the target as a function of h alone, a scalar.
 * @param options.radius ε, in the units of h. Default: 3, as in the official code; take it smaller than ‖h_t‖.
 * @throws RangeError for a hidden that is not [n, length, width] or a radius that is not positive.
 */
export function likelihoodImposter(
  hidden: Tensor,
  loss: (hidden: Tensor) => Tensor,
  { radius = 3 }: { radius?: number } = {},
): Tensor {
  requireSequence("likelihoodImposter", hidden);
  requireRadius("likelihoodImposter", radius);
  const from = stopGradient(hidden);
  return stopGradient(add(from, step(loss, from, radius)));
}

export interface DistantTargetOptions {
  /** The contrastive loss of source and target as a function of the target's vectors, a scalar. */
  contrast: (hidden: Tensor) => Tensor;
  /** The output layer: from vectors [n, length, width] to logits [n, length, vocabulary]. */
  logits: (hidden: Tensor) => Tensor;
  /** bool [n, length]: the target's tokens. */
  mask: Tensor;
  /** η, in the units of the vectors. Default: 3, as in the official code. */
  radius?: number;
}

/**
 * A distant target: first away from the source, h̄_t = h_t + η g_t / ‖g_t‖ with g = ∇_h contrast, then back to the
 * output's distribution, ĥ_t = h̄_t − η f_t / ‖f_t‖ with f = ∇_h̄ KL(p(·|h) ‖ p(·|h̄)).
 *
 * A token on which the contrastive loss does not depend stays. No gradient flows through the result.
 *
 * Source: Lee, Lee and Hwang (2020), equations 6 and 7, and its code.
 *
 * @param hidden h, the decoder's last vectors, [n, length, width].
 * @throws RangeError for shapes that do not fit or a radius that is not positive.
 */
export function distantTarget(
  hidden: Tensor,
  { contrast, logits, mask, radius = 3 }: DistantTargetOptions,
): Tensor {
  requireSequence("distantTarget", hidden);
  requireRadius("distantTarget", radius);
  if (mask.dtype !== "bool" || !sameShape(mask.shape, hidden.shape.slice(0, 2)))
    throw new RangeError(
      `distantTarget: mask is ${describe(mask)}; expected bool [${hidden.shape.slice(0, 2).join(", ")}]`,
    );
  const from = stopGradient(hidden);
  const outward = stopGradient(step(contrast, from, radius));
  const away = add(from, outward);
  const before = logSoftmax(logits(from));
  const divergence = (h: Tensor) =>
    sum(where(mask, sum(multiply(exp(before), subtract(before, logSoftmax(logits(h)))), { axis: 2 }), 0));
  const back = step(divergence, away, radius);
  // Where a token has not moved there is nothing to restore, and the gradient's direction would be one of rounding.
  const moved = any(notEqual(outward, 0), { axis: 2, keepDims: true });
  return stopGradient(subtract(away, where(moved, back, 0)));
}

/** Each token's gradient, at the length of the radius; a token without gradient gets none. */
const step = (f: (hidden: Tensor) => Tensor, at: Tensor, radius: number): Tensor =>
  multiply(l2Normalize(grad(f)(at)), radius);

function requireSequence(name: string, hidden: Tensor): void {
  if (hidden.shape.length !== 3)
    throw new RangeError(`${name}: hidden is ${describe(hidden)}; expected [n, length, width]`);
}

function requireRadius(name: string, radius: number): void {
  if (!(radius > 0 && radius < Infinity))
    throw new RangeError(`${name}: radius is ${radius}; expected a positive number`);
}
