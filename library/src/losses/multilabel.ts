/**
 * Losses for labels that do not exclude each other: each label is a yes-or-no decision of its own.
 * Logits and targets have one shape, usually [n, labels]; targets are floats of the logits' element
 * type, 1 (present) to 0 (absent). There is one loss for each element: "mean" is over all elements.
 */
import {
  add,
  exp,
  log1p,
  multiply,
  negate,
  pow,
  relu,
  sigmoid,
  softplus,
  stopGradient,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface BceOptions extends LossOptions {
  /** Weight of positives: a number, or a tensor [labels] for one each. Default: 1. */
  posWeight?: number | Tensor;
}

/**
 * Binary cross-entropy: −w y log σ(z) − (1 − y) log(1 − σ(z)).
 *
 * @param logits z, any shape
 * @param targets y, same shape and element type
 * @returns A scalar, or the logits' shape with reduction "none".
 */
export function bceWithLogits(
  logits: Tensor,
  targets: Tensor,
  { posWeight = 1, reduction }: BceOptions = {},
): Tensor {
  requireTargets("bceWithLogits", logits, targets);
  if (typeof posWeight === "number" && !(posWeight >= 0))
    throw new RangeError(`bceWithLogits: posWeight is ${posWeight}; expected a number of at least 0`);
  if (posWeight === 1) return reduce(subtract(softplus(logits), multiply(targets, logits)), reduction);
  const positive = multiply(multiply(targets, softplus(negate(logits))), posWeight);
  return reduce(add(positive, multiply(subtract(1, targets), softplus(logits))), reduction);
}

export interface SigmoidFocalOptions extends LossOptions {
  /** γ, at least 0: how fast the weight of easy examples falls. Default: 2. */
  gamma?: number;
  /** Weight α of positives, 0 to 1; negatives weigh 1 − α. Default: both weigh 1 (equation 4). */
  alpha?: number;
}

/**
 * Focal loss: −y (1 − p)^γ log p − (1 − y) p^γ log(1 − p) with p = σ(z). Binary cross-entropy at γ = 0.
 *
 * Source: Lin et al., "Focal loss for dense object detection" (2017), equations 4 and 5.
 *
 * @param logits z, any shape
 * @param targets y, same shape and element type
 */
export function sigmoidFocal(
  logits: Tensor,
  targets: Tensor,
  { gamma = 2, alpha, reduction }: SigmoidFocalOptions = {},
): Tensor {
  requireTargets("sigmoidFocal", logits, targets);
  requireExponent("sigmoidFocal", "gamma", gamma);
  if (alpha !== undefined && !(alpha >= 0 && alpha <= 1))
    throw new RangeError(`sigmoidFocal: alpha is ${alpha}; expected a number from 0 to 1`);
  const losses = focused(logits, targets, { gammaPos: gamma, gammaNeg: gamma, clip: 0, detachWeight: false });
  if (alpha === undefined) return reduce(losses, reduction);
  const weights = add(multiply(targets, alpha), multiply(subtract(1, targets), 1 - alpha));
  return reduce(multiply(weights, losses), reduction);
}

export interface AsymmetricOptions extends LossOptions {
  /** γ₋, focusing exponent of negatives, at least 0. Default: 4. */
  gammaNeg?: number;
  /** γ₊, focusing exponent of positives, at least 0. Default: 1, as in the authors' code; much of the paper has 0. */
  gammaPos?: number;
  /** m, taken off the probability of negatives, from 0 to below 1. Default: 0.05. */
  clip?: number;
  /** Whether the focusing weights count as constants in the gradient. Default: false. */
  detachWeight?: boolean;
}

/**
 * Asymmetric loss: −y (1 − p)^γ₊ log p − (1 − y) p_m^γ₋ log(1 − p_m) with p = σ(z), p_m = max(p − m, 0).
 *
 * A negative with p ≤ m costs nothing; the gradient of one with p near 1, which may well be a label that
 * somebody forgot, falls again. With all three at 0 it is `bceWithLogits`, with m = 0 and equal exponents
 * `sigmoidFocal`. The paper sums over the labels: use reduction "sum" and divide by the examples.
 *
 * Source: Ridnik et al., "Asymmetric loss for multi-label classification" (2020), section 2.
 *
 * @param logits z, any shape
 * @param targets y, same shape and element type
 */
export function asymmetricLoss(
  logits: Tensor,
  targets: Tensor,
  { gammaNeg = 4, gammaPos = 1, clip = 0.05, detachWeight = false, reduction }: AsymmetricOptions = {},
): Tensor {
  requireTargets("asymmetricLoss", logits, targets);
  requireExponent("asymmetricLoss", "gammaNeg", gammaNeg);
  requireExponent("asymmetricLoss", "gammaPos", gammaPos);
  if (!(clip >= 0 && clip < 1))
    throw new RangeError(`asymmetricLoss: clip is ${clip}; expected a number from 0 to below 1`);
  return reduce(focused(logits, targets, { gammaNeg, gammaPos, clip, detachWeight }), reduction);
}

function focused(
  logits: Tensor,
  targets: Tensor,
  {
    gammaNeg,
    gammaPos,
    clip,
    detachWeight,
  }: Required<Pick<AsymmetricOptions, "gammaNeg" | "gammaPos" | "clip" | "detachWeight">>,
): Tensor {
  const weighted = (weight: Tensor, losses: Tensor) =>
    multiply(detachWeight ? stopGradient(weight) : weight, losses);
  const missed = softplus(negate(logits));
  const alarmed = softplus(logits);
  // (1 − p)^γ as e^(−γ softplus(z)): its gradient is finite where p rounds to 1 and γ lies below 1.
  const positive = weighted(exp(multiply(alarmed, -gammaPos)), missed);
  // Below the shift the gradient of the power need not be finite; that of relu puts a 0 in its place.
  const shifted = relu(subtract(sigmoid(logits), clip));
  const negative =
    clip === 0
      ? weighted(exp(multiply(missed, -gammaNeg)), alarmed)
      : weighted(pow(shifted, gammaNeg), negate(log1p(negate(shifted))));
  return add(multiply(targets, positive), multiply(subtract(1, targets), negative));
}

function requireTargets(name: string, logits: Tensor, targets: Tensor): void {
  if (!sameShape(logits.shape, targets.shape) || logits.dtype !== targets.dtype)
    throw new RangeError(
      `${name}: targets is ${describe(targets)}; expected ${describe(logits)}, as the logits are`,
    );
}

function requireExponent(name: string, argument: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new RangeError(`${name}: ${argument} is ${value}; expected a number of at least 0`);
}
