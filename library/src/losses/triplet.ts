/** Triplet loss against the hardest negatives of a batch. */
import {
  divide,
  expandDims,
  greater,
  logicalAnd,
  logicalNot,
  multiply,
  relu,
  softmax,
  subtract,
  sum,
  type Tensor,
  topK,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface HardTripletOptions extends LossOptions {
  /** γ. Default: 0.3, for cosines. */
  margin?: number;
  /** Number of hardest negatives of each query. Default: 10. */
  count?: number;
  /** Violations are weighted by the softmax of their scores over it; Infinity weighs them alike. Default: 0.1. */
  temperature?: number;
}

/**
 * Triplet loss on each query's hardest negatives: over the k highest s_ij of documents that are not relevant,
 * 1/k Σ_j w_j [s_ij − s_i⁺ + γ]₊ with w = softmax_j(s_ij 1[violation] / τ). Negatives that keep the margin enter
 * the softmax with 0, as in the authors' code, and those that are missing where a query has fewer than k not at all.
 * The gradient flows through the weights too.
 *
 * Source: Dahiya et al., "NGAME: Negative mining-aware mini-batching for extreme classification" (2022).
 *
 * @param positive s⁺, [n].
 * @param scores Similarities of queries and a batch's documents, [n, m].
 * @param relevant bool [n, m]: documents that are no negatives, such as the positive itself.
 * @returns A scalar, or [n] with reduction "none". Queries without negatives count 0.
 */
export function hardTriplet(
  positive: Tensor,
  scores: Tensor,
  relevant: Tensor,
  { margin = 0.3, count = 10, temperature = 0.1, reduction }: HardTripletOptions = {},
): Tensor {
  if (scores.shape.length !== 2 || scores.shape[1] === 0)
    throw new RangeError(`hardTriplet: scores is ${describe(scores)}; expected [n, m] with m ≥ 1`);
  const [n, m] = scores.shape as [number, number];
  if (positive.shape.length !== 1 || positive.shape[0] !== n)
    throw new RangeError(`hardTriplet: positive is ${describe(positive)}; expected [${n}]`);
  if (relevant.dtype !== "bool" || !sameShape(relevant.shape, scores.shape))
    throw new RangeError(`hardTriplet: relevant is ${describe(relevant)}; expected bool [${n}, ${m}]`);
  if (!(Number.isSafeInteger(count) && count > 0))
    throw new RangeError(`hardTriplet: count is ${count}; expected a positive integer`);
  if (!(temperature > 0))
    throw new RangeError(`hardTriplet: temperature is ${temperature}; expected a number above 0`);
  const k = Math.min(count, m);
  const { values: hardest } = topK(where(logicalNot(relevant), scores, Number.NEGATIVE_INFINITY), k);
  const there = greater(hardest, Number.NEGATIVE_INFINITY);
  const negatives = where(there, hardest, 0);
  const violations = where(there, relu(subtract(negatives, expandDims(subtract(positive, margin), 1))), 0);
  const violated = logicalAnd(there, greater(violations, 0));
  const logits = where(violated, multiply(negatives, 1 / temperature), 0);
  // Finite, so that a query without any negative has weights that can be multiplied by 0.
  const weights = softmax(where(there, logits, -1e30));
  return reduce(divide(sum(multiply(weights, violations), { axis: 1 }), k), reduction);
}
