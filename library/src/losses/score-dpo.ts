import { logSigmoid, multiply, negate, stopGradient, subtract, type Tensor } from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";
import { requireAboveZero } from "./require-pairs.ts";
import { type ResponsePairs, requireResponsePairs } from "./responses.ts";

export interface ScoreDpoOptions extends LossOptions {
  /** β, above 0: how dearly moving away from the reference is paid. Default: 0.1. */
  beta?: number;
  /** How much of a margin a gap of scores asks for, at least 0; 0 is DPO. Default: 1. */
  marginScale?: number;
}

/**
 * Score-DPO: −log σ(m − [s_chosen − s_rejected]), m being DPO's margin β (log π(c) / π_ref(c) − log π(r) / π_ref(r)). A
 * pair whose scores differ more must be parted further, and pulls more strongly until it is.
 *
 * Without scores, or where they are equal, it is DPO ("sigmoid" of `dpo`). A margin that β cannot reach pushes on
 * without end.
 *
 * Source: Zhao et al., "Unsupervised Visual Chain-of-Thought Reasoning via Preference Optimization" (2025), section 3.3,
 * with g(s) = s times `marginScale`; the offset is that of Amini et al., "Direct Preference Optimization with an
 * Offset" (2024).
 *
 * @param policy Log-probabilities under the model in training, [n] each, summed over tokens.
 * @param reference Under the model at the start of the round, [n] each. No gradient flows into it.
 * @param scores What an evaluator gave to each response, [n] each. No gradient flows into them.
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError for shapes that differ and options out of range.
 */
export function scoreDpo(
  policy: ResponsePairs,
  reference: ResponsePairs,
  scores: ResponsePairs,
  { beta = 0.1, marginScale = 1, reduction }: ScoreDpoOptions = {},
): Tensor {
  requireResponsePairs("scoreDpo", policy, reference);
  requireAboveZero("scoreDpo", { beta });
  if (!(marginScale >= 0 && marginScale < Number.POSITIVE_INFINITY))
    throw new RangeError(`scoreDpo: marginScale is ${marginScale}; expected a number of at least 0`);
  for (const [name, x] of Object.entries({ chosen: scores.chosen, rejected: scores.rejected }))
    if (!sameShape(x.shape, policy.chosen.shape))
      throw new RangeError(`scoreDpo: scores.${name} is ${describe(x)}; expected ${describe(policy.chosen)}`);
  const gap = ({ chosen, rejected }: ResponsePairs) => subtract(chosen, rejected);
  const margin = multiply(subtract(gap(policy), stopGradient(gap(reference))), beta);
  const asked = multiply(stopGradient(gap(scores)), marginScale);
  return reduce(negate(logSigmoid(subtract(margin, asked))), reduction);
}
