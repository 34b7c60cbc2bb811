/** Contrast against a queue of past keys, as momentum contrast does, with all of it or its nearest part. */
import {
  add,
  concat,
  expandDims,
  matmul,
  multiply,
  slice,
  sum,
  type Tensor,
  topK,
  transpose,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { contrast, l2Normalize } from "./contrastive.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface QueueOptions extends LossOptions {
  /** Cosines are divided by it. Default: 0.1. */
  temperature?: number;
  /** How many entries of the queue, the most similar to the anchor, stand in its denominator. Default: all. */
  hardest?: number;
  /** How many of the very nearest are passed over first, since they may show the same thing. Default: 0. */
  skip?: number;
}

/**
 * The loss of momentum contrast: −log e^{q·k/τ} / (e^{q·k/τ} + Σ_{n∈H(q)} e^{q·n/τ}) in cosines, H(q) the queue or
 * the entries nearest to q.
 *
 * Source: He et al., "Momentum Contrast for Unsupervised Visual Representation Learning" (2020), equation 1; the
 * filter is that of "Momentum Contrastive Learning with Enhanced Negative Sampling and Hard Negative Filtering"
 * (2025). Which entries are kept carries no gradient; they themselves do, if they depend on parameters.
 *
 * @param queries [n, d] @param keys [n, d]; row i of both shows the same thing.
 * @param queue [m, d], without the keys of this batch
 * @throws RangeError for shapes that do not fit, or hardest and skip that ask for more than the queue holds.
 */
export function queueInfoNCE(
  queries: Tensor,
  keys: Tensor,
  queue: Tensor,
  options: QueueOptions = {},
): Tensor {
  const { temperature = 0.1, hardest, skip = 0, reduction } = options;
  const [n, d] = queries.shape as [number, number];
  if (queries.shape.length !== 2 || keys.shape.length !== 2 || keys.shape[0] !== n || keys.shape[1] !== d)
    throw new RangeError(
      `queueInfoNCE: queries ${describe(queries)} and keys ${describe(keys)}; expected two of one shape [n, d]`,
    );
  if (queue.shape.length !== 2 || queue.shape[1] !== d)
    throw new RangeError(`queueInfoNCE: queue is ${describe(queue)}; expected [m, ${d}]`);
  if (!(temperature > 0))
    throw new RangeError(`queueInfoNCE: temperature is ${temperature}; expected a number above 0`);
  const size = queue.shape[0]!;
  const kept = hardest ?? size - skip;
  for (const [name, value, low] of [
    ["hardest", kept, 1],
    ["skip", skip, 0],
  ] as const)
    if (!(Number.isSafeInteger(value) && value >= low && kept + skip <= size))
      throw new RangeError(
        `queueInfoNCE: ${name} is ${value}; expected a whole number of at least ${low}, hardest + skip ≤ ${size} entries`,
      );
  const q = multiply(l2Normalize(queries), 1 / temperature);
  const positive = sum(multiply(q, l2Normalize(keys)), { axis: 1 });
  const scores = matmul(q, transpose(l2Normalize(queue)));
  const ranked = kept + skip < size || skip > 0 ? topK(scores, kept + skip).values : scores;
  const negatives = skip > 0 ? slice(ranked, [null, [skip, kept + skip]]) : ranked;
  const candidates = concat([expandDims(positive, 1), negatives], 1);
  return contrast(positive, candidates, { bound: 1 / temperature, reduction });
}

/**
 * Query and key contrasted alike: the mean of ℓ(q, k; H(q)) and ℓ(k, q; H(k)), each against the part of the queue
 * that is nearest to its own anchor. With keys that carry no gradient the second term only pulls the query to its key: its
 * gradient in q · k is −(1 − p_k) / τ, and the queue pushes the query in the first term alone.
 *
 * Source: "Momentum Contrastive Learning with Enhanced Negative Sampling and Hard Negative Filtering" (2025), where
 * the terms are added.
 */
export function dualViewInfoNCE(
  queries: Tensor,
  keys: Tensor,
  queue: Tensor,
  options: QueueOptions = {},
): Tensor {
  const { reduction, ...rest } = options;
  const there = queueInfoNCE(queries, keys, queue, { ...rest, reduction: "none" });
  const back = queueInfoNCE(keys, queries, queue, { ...rest, reduction: "none" });
  return reduce(multiply(add(there, back), 0.5), reduction);
}

/** One view of a batch by both encoders. */
export interface EncodedView {
  /** By the trained encoder, [n, d]. */
  query: Tensor;
  /** By its moving average, [n, d]. */
  key: Tensor;
}

/**
 * Both views contrasted with a gradient: the mean of ℓ(q₁, k₂; H(q₁)) and ℓ(q₂, k₁; H(q₂)). Needs both views through both
 * encoders; exchanging the views changes nothing.
 */
export function swappedViewsInfoNCE(
  first: EncodedView,
  second: EncodedView,
  queue: Tensor,
  options: QueueOptions = {},
): Tensor {
  const { reduction, ...rest } = options;
  const one = queueInfoNCE(first.query, second.key, queue, { ...rest, reduction: "none" });
  const other = queueInfoNCE(second.query, first.key, queue, { ...rest, reduction: "none" });
  return reduce(multiply(add(one, other), 0.5), reduction);
}
