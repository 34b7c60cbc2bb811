/** What a retriever's negatives still teach, and which documents stand in the wrong order. */
import type { Vectors } from "../retrieval/vectors.ts";

/**
 * How strongly each pair of a positive and a negative pulls at its vectors: the Euclidean length of the gradient
 * of log(1 + e^{(q·n − q·p)/τ}) in q, p and n together, σ((q·n − q·p)/τ) / τ · √(‖n − p‖² + 2 ‖q‖²). The first
 * factor vanishes for negatives far below the positive: they no longer teach anything.
 *
 * Source: Xiong et al., "Approximate nearest neighbor negative contrastive learning for dense text retrieval"
 * (2020), section 3, on the convergence with negatives that carry no gradient.
 *
 * @param queries, positives, negatives [n, d] each; row i of all three is one pair
 * @param options.temperature τ. Default: 1.
 * @returns [n]
 */
export function pairGradientNorms(
  queries: Vectors,
  positives: Vectors,
  negatives: Vectors,
  { temperature = 1 }: { temperature?: number } = {},
): Float64Array {
  const { count, width } = queries;
  for (const [name, rows] of Object.entries({ positives, negatives }))
    if (rows.count !== count || rows.width !== width)
      throw new RangeError(
        `pairGradientNorms: ${name} are ${rows.count} of width ${rows.width}; expected ${count} of width ${width}, as queries`,
      );
  if (!(temperature > 0))
    throw new RangeError(`pairGradientNorms: temperature is ${temperature}; expected a number above 0`);
  return Float64Array.from({ length: count }, (_, row) => {
    let [difference, apart, length] = [0, 0, 0];
    for (let i = row * width; i < (row + 1) * width; i++) {
      const between = negatives.data[i]! - positives.data[i]!;
      difference += queries.data[i]! * between;
      apart += between ** 2;
      length += queries.data[i]! ** 2;
    }
    const pull = 1 / (1 + Math.exp(-difference / temperature)) / temperature;
    return pull * Math.sqrt(apart + 2 * length);
  });
}

/**
 * Pairs in the wrong order, of queries with one relevant document each: a document at rank r has r − 1 irrelevant
 * ones above it.
 *
 * Source: Zhan et al., "Optimizing dense retrieval model training with hard negatives" (2021), section 3: random
 * negatives lower the total, hard ones the errors at the top.
 *
 * @param ranks Rank of each query's relevant document, from 1.
 * @param top No query counts more errors than it among the errors at the top. Default 200.
 * @returns The mean over queries of r − 1, and of min(r − 1, top).
 */
export function pairErrors(ranks: ArrayLike<number>, top = 200): { total: number; top: number } {
  if (ranks.length === 0) throw new RangeError("pairErrors: there are no ranks");
  const sums = { total: 0, top: 0 };
  for (let i = 0; i < ranks.length; i++) {
    const errors = ranks[i]! - 1;
    if (!(errors >= 0)) throw new RangeError(`pairErrors: rank ${i} is ${ranks[i]}; expected 1 or more`);
    sums.total += errors;
    sums.top += Math.min(errors, top);
  }
  return { total: sums.total / ranks.length, top: sums.top / ranks.length };
}

/**
 * How much of each list stands in another one, mean over queries: static negatives against what the present model
 * retrieves, for instance. Empty lists are left out; NaN where all are.
 */
export function listOverlap(
  lists: readonly ArrayLike<number>[],
  others: readonly ArrayLike<number>[],
): number {
  if (lists.length !== others.length)
    throw new RangeError(`listOverlap: ${lists.length} lists and ${others.length} others; expected as many`);
  const shares = lists.flatMap((list, i) => {
    const other = new Set(Array.from(others[i]!));
    const members = Array.from(list);
    return members.length === 0 ? [] : [members.filter((x) => other.has(x)).length / members.length];
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
