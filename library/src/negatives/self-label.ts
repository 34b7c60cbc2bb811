/** Pairs that nobody has labelled, labelled by the distances that a model gives them. */
import type { Pairs } from "../losses/label-pairs.ts";
import { requirePairs } from "../losses/require-pairs.ts";
import {
  greater,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  reshape,
  slice,
  stopGradient,
  type Tensor,
  topK,
  where,
} from "../tensor/index.ts";

export interface SelfLabelOptions {
  /** A decision threshold: pairs nearer than it are taken for the same. Default: 0.5. */
  threshold?: number;
  /** Unlabelled pairs nearer than this times the threshold become positives. Default: 0.5. */
  low?: number;
  /** Unlabelled pairs further than this times the threshold become negatives. Default: 1.5. */
  high?: number;
  /** Most positives that are added, as a share of the rows; the nearest come first. Default: 0.1. */
  cap?: number;
}

/**
 * The pairs that are known, and those of the others of which the model is sure. A known label is never changed, and
 * the masks have no gradient.
 *
 *     contrastiveMargin(distances, selfLabel(distances, known));
 *
 * Source: El-Geish, "Learning Joint Acoustic-Phonetic Word Embeddings" (2019), self-labelled pairs.
 *
 * @param distances d, [n, m]
 * @param known Masks of the labelled pairs, bool [n, m]; a pair in neither is unlabelled.
 * @throws RangeError unless 0 ≤ low ≤ high, the threshold is above 0 and the cap at least 0.
 */
export function selfLabel(distances: Tensor, known: Pairs, options: SelfLabelOptions = {}): Pairs {
  const { threshold = 0.5, low = 0.5, high = 1.5, cap = 0.1 } = options;
  requirePairs("selfLabel", "distances", distances, known);
  if (!(threshold > 0 && low >= 0 && low <= high && cap >= 0))
    throw new RangeError(
      `selfLabel: threshold is ${threshold}, low ${low}, high ${high} and cap ${cap}; expected a threshold above 0, 0 ≤ low ≤ high and a cap of at least 0`,
    );
  const d = stopGradient(distances);
  const unlabelled = logicalNot(logicalOr(known.positives, known.negatives));
  const far = logicalAnd(unlabelled, greater(d, high * threshold));
  const negatives = logicalOr(known.negatives, far);
  const near = logicalAnd(unlabelled, less(d, low * threshold));
  const count = Math.floor(cap * d.shape[0]!);
  if (count === 0) return { positives: known.positives, negatives };
  const [n, m] = d.shape as [number, number];
  const order = topK(reshape(where(near, d, Number.POSITIVE_INFINITY), [n * m]), Math.min(count, n * m), {
    largest: false,
  });
  const last = slice(order.values, [[order.values.shape[0]! - 1, order.values.shape[0]!]]);
  return { positives: logicalOr(known.positives, logicalAnd(near, lessEqual(d, last))), negatives };
}
