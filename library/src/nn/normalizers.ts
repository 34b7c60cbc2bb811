/**
 * How attention turns scores into weights. A normaliser maps scores [..., queries, keys] to weights of
 * the same shape, along the last axis. Where the mask is false the weight is exactly 0, whatever the
 * scores; a query that may see no key at all gets only zeros, and a gradient of 0.
 */
import {
  add,
  any,
  cast,
  cumSum,
  divide,
  fromData,
  greater,
  max,
  multiply,
  range,
  relu,
  scalar,
  sigmoid,
  softmax,
  sort,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/**
 * @param scores [..., queries, keys]
 * @param mask bool, broadcasts to the scores: true where a query may see a key. Default: everywhere.
 */
export type Normalizer = (scores: Tensor, mask?: Tensor) => Tensor;

/** Added to scores that no query may see; e to this power is 0, and sums of it stay finite in float32. */
const HIDDEN = -1e30;

/** eˢ / Σ eˢ over the keys that may be seen. */
export const maskedSoftmax: Normalizer = (scores, mask) => {
  if (!mask) return softmax(scores);
  return emptied(softmax(add(scores, bias(mask, scores.dtype))), mask);
};

/** 1 / (1 + e⁻ˢ) for each key by itself: weights do not sum to 1. */
export const maskedSigmoid: Normalizer = (scores, mask) => {
  const weights = sigmoid(scores);
  return mask ? where(mask, weights, 0) : weights;
};

/**
 * The point of the simplex that is nearest to the scores: max(s − τ, 0) with τ such that the weights sum
 * to 1 (Martins and Astudillo 2016, algorithm 1). Low scores get a weight of exactly 0.
 *
 * The gradient is that of the paper's equation 14: within the support, cotangents minus their mean.
 */
export const sparsemax: Normalizer = (scores, mask) => {
  const shown = mask ? add(scores, bias(mask, scores.dtype)) : scores;
  // Adding a constant changes nothing; with a maximum of 0 the sums below lose no digits.
  const s = subtract(shown, stopGradient(max(shown, { axis: -1, keepDims: true })));
  const support = stopGradient(cast(greater(s, threshold(s)), s.dtype));
  const size = sum(support, { axis: -1, keepDims: true });
  const total = sum(multiply(s, support), { axis: -1, keepDims: true });
  const weights = relu(subtract(s, divide(subtract(total, 1), size)));
  return mask ? emptied(weights, mask) : weights;
};

/** τ of sparsemax for scores whose maximum is 0: [..., 1]. */
function threshold(s: Tensor): Tensor {
  const sorted = sort(s, { descending: true });
  const ranks = add(cast(range(s.shape.at(-1)!), s.dtype), 1);
  const sums = cumSum(sorted);
  const inside = cast(greater(add(multiply(ranks, sorted), 1), sums), s.dtype);
  const size = sum(inside, { axis: -1, keepDims: true });
  // Where a rank lies outside, its score may be −1e30: chosen by where, not multiplied away.
  const total = sum(where(greater(inside, 0), sorted, 0), { axis: -1, keepDims: true });
  return divide(subtract(total, 1), size);
}

/** 0 where the mask is true, else a number low enough for a weight of 0. */
function bias(mask: Tensor, dtype: Tensor["dtype"]): Tensor {
  if (mask.dtype !== "bool")
    throw new TypeError(`attention: mask is ${describe(mask)}; expected bool, true where a key may be seen`);
  // A constant mask becomes a constant bias: nothing is left to do when the graph runs.
  if (mask.data) {
    const values = Float64Array.from(mask.data, (seen) => (seen ? 0 : HIDDEN));
    return fromData(dtype === "float64" ? values : Float32Array.from(values), mask.shape);
  }
  return where(mask, scalar(0, dtype), HIDDEN);
}

/** Weights, with zeros for queries that see nothing. */
function emptied(weights: Tensor, mask: Tensor): Tensor {
  const keys = mask.shape.at(-1)!;
  const data = mask.data;
  const rows =
    data && Array.from({ length: data.length / keys }, (_, i) => data.subarray(i * keys, (i + 1) * keys));
  if (rows?.every((row) => row.includes(1))) return weights;
  return multiply(weights, cast(any(mask, { axis: -1, keepDims: true }), weights.dtype));
}
