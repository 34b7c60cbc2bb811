/** Objectives for making a model forget some of its training examples. */
import {
  divide,
  exp,
  minimum,
  multiply,
  negate,
  softmax,
  stopGradient,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface LossReweightedOptions extends LossOptions {
  /** τ, above 0: large values make all weights alike. Default: 1. */
  temperature?: number;
  /** "mean": the batch's weights have mean 1, so that a step is as long as without them. "none": exp(−ℓ/τ) itself. Default: "mean". */
  normalize?: "mean" | "none";
}

/**
 * Loss-reweighted unlearning (LoReUn): each forget example's loss times w ∝ exp(−ℓ/τ), where ℓ is the
 * model's loss on the example's true label. Examples that the model still knows well weigh most. No
 * gradient flows through the weights.
 *
 * Source: Li, Shen, Wang and Kawaguchi, "LoReUn: Data Itself Implicitly Provides Cues to Improve Machine
 * Unlearning" (2025), section 4.
 *
 * @param forgetLosses What is minimised for each forget example, for instance −ℓ (gradient ascent) or the
 *   cross-entropy of a random label, [n].
 * @param evaluationLosses ℓ, [n]: of the current model (dynamic weights) or of the original one (static).
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError for shapes that differ and a temperature that is not above 0.
 */
export function lossReweighted(
  forgetLosses: Tensor,
  evaluationLosses: Tensor,
  { temperature = 1, normalize = "mean", reduction }: LossReweightedOptions = {},
): Tensor {
  if (forgetLosses.shape.length !== 1 || evaluationLosses.shape.join() !== forgetLosses.shape.join())
    throw new RangeError(
      `lossReweighted: forgetLosses is ${describe(forgetLosses)} and evaluationLosses ${describe(evaluationLosses)}; expected two of [n]`,
    );
  if (!(temperature > 0))
    throw new RangeError(`lossReweighted: temperature is ${temperature}; expected a number above 0`);
  if (normalize !== "mean" && normalize !== "none")
    throw new RangeError(
      `lossReweighted: normalize is ${JSON.stringify(normalize)}; expected "mean" or "none"`,
    );
  const scores = negate(divide(stopGradient(evaluationLosses), temperature));
  const weights =
    normalize === "mean"
      ? multiply(softmax(scores), forgetLosses.shape[0]!)
      : // A loss below 0 would be no cross-entropy, but must not overflow.
        exp(minimum(scores, 50));
  return reduce(multiply(weights, forgetLosses), reduction);
}
