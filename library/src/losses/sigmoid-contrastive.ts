/** Losses of paired embeddings, as dual encoders for images and texts are trained: row i of both belongs together. */
import {
  add,
  customGradient,
  divide,
  expandDims,
  logicalAnd,
  matmul,
  multiply,
  negate,
  notEqual,
  type Range,
  range,
  scalar,
  sigmoid,
  slice,
  softplus,
  sum,
  type Tensor,
  transpose,
  where,
} from "../tensor/index.ts";
import { describe, isTensor } from "../tensor/tensor.ts";
import { contrast, l2Normalize } from "./contrastive.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface SigmoidPairOptions extends LossOptions {
  /** t, a number or a scalar tensor to learn (the paper learns its logarithm). Default: 10. */
  scale?: number | Tensor;
  /** b, likewise. Default: −10, so that the many pairs that do not match start with almost no loss. */
  bias?: number | Tensor;
  /** bool [n, n]: pairs that must not count as negatives, such as equal captions. Own pairs always count. Default: none. */
  exclude?: Tensor;
  /** How many columns of the score matrix are alive at once; value and gradient do not depend on it. Default: n. */
  chunk?: number;
}

/**
 * Sigmoid loss: every pair of the batch is a binary decision of its own,
 * −1/n Σ_i Σ_j log σ(z_ij (t cos(x_i, y_j) + b)), with z = 1 for i = j and −1 elsewhere.
 *
 * No row is normalised over the others, so that the loss is a plain sum over blocks of pairs: with `chunk` below n
 * the square matrix of scores is never held as a whole, forward or backward. `sigmoidContrastive` is the same of
 * scores that are already there.
 *
 * Source: Zhai et al., "Sigmoid loss for language image pre-training" (2023), section 3.2, algorithm 1.
 *
 * @param first x, [n, d], of any lengths
 * @param second y, [n, d]
 * @returns A scalar: the sum over pairs divided by n, not n². With reduction "none" the sums of rows, [n].
 * @throws RangeError for shapes that do not fit, or a chunk that is not a positive integer.
 */
export function sigmoidPair(first: Tensor, second: Tensor, options: SigmoidPairOptions = {}): Tensor {
  const { scale = 10, bias = -10, exclude, reduction } = options;
  const n = requirePaired("sigmoidPair", first, second);
  const { chunk = n } = options;
  if (!(Number.isSafeInteger(chunk) && chunk >= 1))
    throw new RangeError(`sigmoidPair: chunk is ${chunk}; expected an integer of at least 1`);
  if (exclude && (exclude.dtype !== "bool" || String(exclude.shape) !== String([n, n])))
    throw new RangeError(`sigmoidPair: exclude is ${describe(exclude)}; expected bool [${n}, ${n}]`);
  const x = l2Normalize(first);
  const y = l2Normalize(second);
  const t = asScalar("sigmoidPair", "scale", scale, first);
  const b = asScalar("sigmoidPair", "bias", bias, first);
  const dropped = exclude && logicalAnd(exclude, notEqual(expandDims(range(n), 1), range(n)));
  // As if no pair matched, Σ_j log(1 + e^{l_ij}); one that matches has log(1 + e^{−l}), which is l less.
  let losses = negate(add(multiply(sum(multiply(x, y), { axis: 1 }), t), b));
  for (let from = 0; from < n; from += chunk) {
    const part: Range = [from, Math.min(from + chunk, n)];
    losses = add(losses, notMatching(x, slice(y, [part]), t, b, dropped && slice(dropped, [null, part])));
  }
  return reduce(losses, reduction);
}

/** Σ_j log(1 + e^{t x_i·y_j + b}) over some columns j: [n]. Their scores are computed again backward. */
function notMatching(x: Tensor, y: Tensor, t: Tensor, b: Tensor, exclude?: Tensor): Tensor {
  return customGradient(
    (rows: Tensor, columns: Tensor, scale: Tensor, bias: Tensor) => {
      const losses = softplus(add(multiply(matmul(rows, transpose(columns)), scale), bias));
      return sum(exclude ? where(exclude, 0, losses) : losses, { axis: 1 });
    },
    (g, _losses, rows, columns, scale, bias) => {
      // The product the other way round: a node of its own, so that the forward one need not be kept.
      const scores = matmul(columns, transpose(rows));
      const slopes = multiply(sigmoid(add(multiply(scores, scale), bias)), g);
      const each = exclude ? where(transpose(exclude), 0, slopes) : slopes;
      const scaled = multiply(each, scale);
      return [
        matmul(transpose(scaled), columns),
        matmul(scaled, rows),
        sum(multiply(each, scores)),
        sum(each),
      ];
    },
  )(x, y, t, b);
}

/**
 * The softmax loss of CLIP: InfoNCE in both directions, the mean of cross-entropy over rows and over columns of
 * t cos(x_i, y_j).
 *
 * Source: Radford et al., "Learning transferable visual models from natural language supervision" (2021), figure 3;
 * the baseline of the sigmoid loss.
 *
 * @param first x, [n, d], of any lengths
 * @param second y, [n, d]
 * @param options.scale t, a number or a scalar tensor to learn. Default: 1 / 0.07.
 * @returns A scalar; with reduction "none" each pair's mean over both directions, [n].
 */
export function clipSoftmax(
  first: Tensor,
  second: Tensor,
  { scale = 1 / 0.07, reduction }: LossOptions & { scale?: number | Tensor } = {},
): Tensor {
  requirePaired("clipSoftmax", first, second);
  const x = multiply(l2Normalize(first), asScalar("clipSoftmax", "scale", scale, first));
  const y = l2Normalize(second);
  const positive = sum(multiply(x, y), { axis: 1 });
  const scores = matmul(x, transpose(y));
  const options = {
    bound: typeof scale === "number" ? Math.abs(scale) : undefined,
    reduction: "none",
  } as const;
  const rows = contrast(positive, scores, options);
  const columns = contrast(positive, transpose(scores), options);
  return reduce(divide(add(rows, columns), 2), reduction);
}

function asScalar(name: string, argument: string, value: number | Tensor, like: Tensor): Tensor {
  if (!isTensor(value)) return scalar(value, like.dtype);
  if (value.shape.length > 0)
    throw new RangeError(`${name}: ${argument} is ${describe(value)}; expected a number or a scalar`);
  return value;
}

function requirePaired(name: string, first: Tensor, second: Tensor): number {
  const fits = first.shape.length === 2 && String(first.shape) === String(second.shape);
  if (!fits)
    throw new RangeError(
      `${name}: first is ${describe(first)} and second ${describe(second)}; expected two of one shape [n, d]`,
    );
  return first.shape[0]!;
}
