/** Margin losses of dense retrievers whose target is a number, or what the encoder itself says of the documents. */
import {
  abs,
  add,
  expandDims,
  matmul,
  multiply,
  negate,
  softplus,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { l2Normalize } from "./contrastive.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface RelevanceMarginOptions extends LossOptions {
  /**
   * What the margin shall be: a number; "adaptive", (1 + s(d⁺, d⁻)) / 2 of the query's own two documents; or
   * "distributed" (default), each margin against that of every positive with the margin's negative.
   */
  target?: number | "adaptive" | "distributed";
  /** Whether the negatives of the batch's other queries count too. Not with "distributed". Default: false. */
  inBatch?: boolean;
  /** Of x = margin − target: "squared" x² (default), "absolute" |x|, or "logistic" log(1 + e^{−x}). */
  error?: "squared" | "absolute" | "logistic";
  /**
   * Whether a computed target grows with the similarity of the documents (default), so that negatives like the
   * positive are to be pushed further away, or falls with it, (1 − s(d⁺, d⁻)) / 2.
   */
  direction?: "growing" | "falling";
  /** Whether no gradient flows through the target, which otherwise pushes documents apart too. Default: false. */
  detachTarget?: boolean;
}

/**
 * Adaptive relevance margin: the mean error of the margins m = s(q, d⁺) − s(q, d⁻) against their targets, with the
 * cosine s. By default (1/B²) Σ_ij (m_j − t_ij)², t_ij = (1 + s(d⁺_i, d⁻_j)) / 2.
 *
 * A negative equal to its positive has margin 0 and target 1: a false negative costs 1, however the encoder changes.
 *
 * Source: Gienapp et al., "Learning Effective Representations for Retrieval Using Self-Distillation with Adaptive
 * Relevance Margins" (2024), section 3. With `inBatch` the authors' code takes the positive of the negative's row,
 * s(q_j, d⁺_j) − s(q_i, d⁻_j); here a margin is of one query, s(q_i, d⁺_i) − s(q_i, d⁻_j).
 *
 * @param queries [n, d] @param positives [n, d] @param negatives [n, d]; rows belong together.
 * @returns A scalar. With reduction "none" [n], or [n, n] in-batch and distributed.
 */
export function relevanceMargin(
  queries: Tensor,
  positives: Tensor,
  negatives: Tensor,
  options: RelevanceMarginOptions = {},
): Tensor {
  const { target = "distributed", inBatch = false, error = "squared", direction = "growing" } = options;
  const { detachTarget = false, reduction } = options;
  for (const [name, x] of Object.entries({ queries, positives, negatives }))
    if (x.shape.length !== 2 || !sameShape(x.shape, queries.shape))
      throw new RangeError(
        `relevanceMargin: ${name} is ${describe(x)}; expected [n, d], of one shape with queries ${describe(queries)}`,
      );
  if (typeof target === "number" ? !Number.isFinite(target) : !["adaptive", "distributed"].includes(target))
    throw new RangeError(
      `relevanceMargin: target is ${JSON.stringify(target)}; expected a number, "adaptive" or "distributed"`,
    );
  if (inBatch && target === "distributed")
    throw new RangeError(
      'relevanceMargin: target "distributed" does not go with inBatch; expected "adaptive"',
    );
  if (direction !== "growing" && direction !== "falling")
    throw new RangeError(
      `relevanceMargin: direction is ${JSON.stringify(direction)}; expected "growing" or "falling"`,
    );
  const [q, p, n] = [queries, positives, negatives].map((x) => l2Normalize(x)) as [Tensor, Tensor, Tensor];
  const rows = (a: Tensor, b: Tensor) => sum(multiply(a, b), { axis: 1 });
  const all = (a: Tensor, b: Tensor) => matmul(a, transpose(b));
  const own = rows(q, p);
  const margin = inBatch ? subtract(expandDims(own, 1), all(q, n)) : subtract(own, rows(q, n));
  const goal =
    typeof target === "number"
      ? target
      : targetOf((target === "distributed" || inBatch ? all : rows)(p, n), direction, detachTarget);
  return reduce(errorOf(subtract(margin, goal), error), reduction);
}

function targetOf(similarity: Tensor, direction: "growing" | "falling", detach: boolean): Tensor {
  const target = add(multiply(similarity, direction === "growing" ? 0.5 : -0.5), 0.5);
  return detach ? stopGradient(target) : target;
}

function errorOf(x: Tensor, error: RelevanceMarginOptions["error"]): Tensor {
  switch (error) {
    case "squared":
      return square(x);
    case "absolute":
      return abs(x);
    case "logistic":
      return softplus(negate(x));
    default:
      throw new RangeError(
        `relevanceMargin: error is ${JSON.stringify(error)}; expected "squared", "absolute" or "logistic"`,
      );
  }
}
