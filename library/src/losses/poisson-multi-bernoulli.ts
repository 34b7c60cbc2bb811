/** Detectors trained by the likelihood of the whole set of objects. */
import {
  add,
  broadcastTo,
  concat,
  expandDims,
  gatherElements,
  logSumExp,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/** A Poisson multi-Bernoulli density at the objects of B pictures, padded to N. */
export interface PmbTerms {
  /** [B, N, K] log r_k p_k(c_i) g_k(b_i) */
  logShown: Tensor;
  /** [B, K] log(1 − r_k) */
  logAbsent: Tensor;
  /** [B, N] log λ(b_i, c_i); a low but finite number where there is no Poisson process. */
  logIntensity: Tensor;
  /** [B] λ̄, the integral of the intensity. */
  rate: Tensor;
  /** bool [B, N] Whether object i is there. */
  present: Tensor;
}

/** Assignments over which the likelihood is summed, found outside of the graph. */
export interface PmbAssignments {
  /** int32 [B, N, Q] The component of each object, or K for the Poisson process; anything for padding. */
  components: Tensor;
  /** bool [B, Q] Whether there is such an assignment, at least one a picture. */
  valid: Tensor;
}

/**
 * Negative log-likelihood of sets of objects under Poisson multi-Bernoulli densities,
 * λ̄ − Σ_k log(1 − r_k) − log Σ_θ exp Σ_i a_i,θ(i), where a_ik = log r_k p_k(c_i) g_k(b_i) − log(1 − r_k) for an object
 * that component k shows, and log λ(b_i, c_i) for one that none does.
 *
 * The sum runs over the given assignments θ, which count as constants: `murtyKBest` of `nearmiss/inference` finds the
 * best ones. `pmbNLL` of `nearmiss/metrics` is the same outside of graphs.
 *
 * Source: Hess, Petersson and Svensson, "Object Detection as Probabilistic Set Prediction" (2022), equations 8 to 12.
 *
 * @returns A scalar, the mean over pictures; [B] with reduction "none".
 * @throws RangeError where shapes do not fit.
 */
export function pmbLoss(
  { logShown, logAbsent, logIntensity, rate, present }: PmbTerms,
  { components, valid }: PmbAssignments,
  { reduction }: LossOptions = {},
): Tensor {
  if (logShown.shape.length !== 3)
    throw new RangeError(`pmbLoss: logShown is ${describe(logShown)}; expected [B, N, K]`);
  if (components.shape.length !== 3)
    throw new RangeError(`pmbLoss: components is ${describe(components)}; expected int32 [B, N, Q]`);
  const [pictures, objects, slots] = logShown.shape as [number, number, number];
  const count = components.shape[2]!;
  const expected: [string, Tensor, number[]][] = [
    ["logAbsent", logAbsent, [pictures, slots]],
    ["logIntensity", logIntensity, [pictures, objects]],
    ["rate", rate, [pictures]],
    ["present", present, [pictures, objects]],
    ["components", components, [pictures, objects, count]],
    ["valid", valid, [pictures, count]],
  ];
  for (const [name, x, shape] of expected)
    if (!sameShape(x.shape, shape))
      throw new RangeError(`pmbLoss: ${name} is ${describe(x)}; expected [${shape.join(", ")}]`);
  const gains = concat([subtract(logShown, expandDims(logAbsent, 1)), expandDims(logIntensity, 2)], 2);
  const chosen = gatherElements(gains, components);
  const there = broadcastTo(expandDims(present, 2), chosen.shape);
  const each = where(valid, sum(where(there, chosen, 0), { axis: 1 }), Number.NEGATIVE_INFINITY);
  const nothing = sum(logAbsent, { axis: 1 });
  return reduce(subtract(rate, add(nothing, logSumExp(each, { axis: 1 }))), reduction);
}
