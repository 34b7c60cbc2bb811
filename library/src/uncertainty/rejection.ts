/**
 * Learning to reject the outputs of a predictor that is fixed. A rejector scores each output, r > 0
 * meaning that it is accepted; it learns from outputs that were judged acceptable or not. Accepting a
 * bad output costs 1, rejecting any output costs c.
 */
import { type LossOptions, reduce } from "../losses/reduction.ts";
import { add, exp, minimum, multiply, subtract, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export interface RejectionOptions extends LossOptions {
  /** c, the cost of rejecting, above 0 and below 1. An output is worth accepting if it is bad with probability below c. */
  cost: number;
  /** α, above 0. Default: 4, the paper's value for text (3.5 for images). */
  alpha?: number;
  /** β, above 0. Default: `calibratedBeta(alpha, cost)`. */
  beta?: number;
}

/**
 * Convex surrogate of the rejection loss 1[a = −1, r > 0] + c 1[r ≤ 0], which it bounds from above:
 * e^{α (r − a) / 2} + c e^{−β r}.
 *
 * Where an exponent passes 20, the exponential goes on as its tangent: the loss stays convex, and no
 * score overflows.
 *
 * Source: Mohri, Andor, Choi and Collins, "Learning to Reject with a Fixed Predictor: Application to
 * Decontextualization" (2023), section 4.
 *
 * @param scores r, float [n]
 * @param acceptable a: 1 for an acceptable output, −1 for another, [n], of the scores' element type.
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError for shapes that differ, and for a cost, α or β out of range.
 */
export function rejectionSurrogate(scores: Tensor, acceptable: Tensor, options: RejectionOptions): Tensor {
  const { cost, alpha = 4, beta = calibratedBeta(alpha, cost), reduction } = options;
  if (scores.shape.length !== 1 || acceptable.shape[0] !== scores.shape[0] || acceptable.shape.length !== 1)
    throw new RangeError(
      `rejectionSurrogate: scores is ${describe(scores)} and acceptable ${describe(acceptable)}; expected two of [n]`,
    );
  requireCost("rejectionSurrogate", cost);
  requirePositive("rejectionSurrogate", "alpha", alpha);
  requirePositive("rejectionSurrogate", "beta", beta);
  const accepting = boundedExp(multiply(subtract(scores, acceptable), alpha / 2));
  const rejecting = multiply(boundedExp(multiply(scores, -beta)), cost);
  return reduce(add(accepting, rejecting), reduction);
}

/**
 * The β with which the surrogate's minimiser accepts exactly the outputs that are bad with probability
 * below c: β = α/2 (e^{α/2} + (1 − c)/c · e^{−α/2}).
 *
 * Source: as `rejectionSurrogate`; it is the paper's relation 2βc/α = c e^{α/2} + (1 − c) e^{−α/2}.
 */
export function calibratedBeta(alpha: number, cost: number): number {
  requirePositive("calibratedBeta", "alpha", alpha);
  requireCost("calibratedBeta", cost);
  return (alpha / 2) * (Math.exp(alpha / 2) + ((1 - cost) / cost) * Math.exp(-alpha / 2));
}

/**
 * The rejection loss itself, averaged: 1 for each bad output that is accepted (score above 0), c for
 * each that is rejected.
 *
 * @param scores r, [n]
 * @param acceptable 1 for an acceptable output, else 0 or −1, [n]
 */
export function rejectionLoss(
  scores: ArrayLike<number>,
  acceptable: ArrayLike<number>,
  cost: number,
): number {
  requireCost("rejectionLoss", cost);
  if (scores.length !== acceptable.length || scores.length === 0)
    throw new RangeError(
      `rejectionLoss: scores and acceptable have ${scores.length} and ${acceptable.length} entries; expected equal numbers above 0`,
    );
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] > 0 ? (acceptable[i] === 1 ? 0 : 1) : cost;
  return sum / scores.length;
}

/** e^z up to z = 20, and its tangent beyond. */
function boundedExp(z: Tensor): Tensor {
  const limit = 20;
  const within = minimum(z, limit);
  return multiply(exp(within), add(subtract(z, within), 1));
}

function requireCost(name: string, cost: number): void {
  if (!(cost > 0 && cost < 1)) throw new RangeError(`${name}: cost is ${cost}; expected above 0 and below 1`);
}

function requirePositive(name: string, argument: string, value: number): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    throw new RangeError(`${name}: ${argument} is ${value}; expected a finite number above 0`);
}
