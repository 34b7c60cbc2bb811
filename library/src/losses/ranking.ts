/** Losses over the order of scores. */

import {
  add,
  divide,
  expandDims,
  fromData,
  logSigmoid,
  maximum,
  multiply,
  negate,
  reshape,
  softplus,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface MannWhitneyOptions {
  /** Score differences are divided by it. Default: 0.05, for cosines. */
  temperature?: number;
  /** Weight of each negative, [m]; 0 leaves it out. Default: 1. */
  negativeWeights?: Tensor;
}

/**
 * Logistic loss over all pairs of a positive and a negative score:
 * 1 / (|P| |N|) Σ_p Σ_n log(1 + e^{−(p − n)/τ}).
 *
 * Divided by ln 2 and at τ = 1 it bounds 1 − AUC from above. It depends on score differences between
 * queries, which a softmax per query leaves open.
 *
 * Source: "Optimizing What Matters: AUC-Driven Learning for Robust Neural Retrieval" (2025), the
 * Mann-Whitney loss.
 *
 * @param positive Scores of positives, [p].
 * @param negative Scores of negatives, [m]. Without any (or all of weight 0) the loss is 0.
 * @returns A scalar: the mean over pairs.
 */
export function mannWhitney(
  positive: Tensor,
  negative: Tensor,
  { temperature = 0.05, negativeWeights }: MannWhitneyOptions = {},
): Tensor {
  if (positive.shape.length !== 1 || negative.shape.length !== 1) {
    throw new RangeError(
      `mannWhitney: ${describe(positive)} and ${describe(negative)}; expected two vectors of scores`,
    );
  }
  if (!(temperature > 0))
    throw new RangeError(`mannWhitney: temperature is ${temperature}; expected a number above 0`);
  const count = negative.shape[0]!;
  const weights = negativeWeights ?? ones(count, negative.dtype);
  // Scaled before they are spread to pairs, and by a product: a division costs ten times as much.
  const scale = 1 / temperature;
  const differences = subtract(
    expandDims(multiply(negative, scale), 0),
    expandDims(multiply(positive, scale), 1),
  );
  const pairs = multiply(softplus(differences), expandDims(weights, 0));
  const total = multiply(maximum(sum(weights), 1e-30), Math.max(positive.shape[0]!, 1));
  return divide(sum(pairs), total);
}

/**
 * The Mann-Whitney loss of a batch of scores: the diagonal holds the positives, everything else the
 * negatives, and every positive meets the negatives of all queries.
 *
 * @param scores [n, n], for instance cosines of queries (rows) and documents (columns).
 */
export function mannWhitneyInBatch(scores: Tensor, options: MannWhitneyOptions = {}): Tensor {
  const n = requireSquare("mannWhitneyInBatch", scores);
  const { positive, offDiagonal } = splitDiagonal(scores, n);
  return mannWhitney(positive, reshape(scores, [n * n]), {
    ...options,
    negativeWeights: reshape(offDiagonal, [n * n]),
  });
}

/**
 * The same comparisons kept within each query (BPR over all in-batch negatives): the mean over rows and
 * their negatives of log(1 + e^{−(s_ii − s_ij)/τ}).
 *
 * Source: Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback" (2009), equation 6.
 */
export function pairwiseLogisticInBatch(
  scores: Tensor,
  { temperature = 0.05 }: { temperature?: number } = {},
): Tensor {
  const n = requireSquare("pairwiseLogisticInBatch", scores);
  const { positive, offDiagonal } = splitDiagonal(scores, n);
  const losses = softplus(multiply(subtract(scores, expandDims(positive, 1)), 1 / temperature));
  return divide(sum(multiply(losses, offDiagonal)), Math.max(n * (n - 1), 1));
}

/**
 * Sigmoid loss: every pair of the batch is a binary decision of its own,
 * −1/n Σ_ij log σ(z_ij (t s_ij + b)) with z = 1 on the diagonal and −1 elsewhere.
 *
 * Source: Zhai et al., "Sigmoid loss for language image pre-training" (2023), equation 1.
 *
 * @param scores Cosines, [n, n].
 * @param options.scale t, a number or a scalar tensor to learn. Default: 10.
 * @param options.bias b, likewise. Default: −10.
 */
export function sigmoidContrastive(
  scores: Tensor,
  {
    scale = 10,
    bias = -10,
    reduction,
  }: LossOptions & { scale?: number | Tensor; bias?: number | Tensor } = {},
): Tensor {
  const n = requireSquare("sigmoidContrastive", scores);
  const z = new Float32Array(n * n).fill(-1);
  for (let i = 0; i < n; i++) z[i * n + i] = 1;
  const signs = fromData(scores.dtype === "float64" ? Float64Array.from(z) : z, [n, n]);
  const losses = negate(logSigmoid(multiply(signs, add(multiply(scores, scale), bias))));
  return reduce(sum(losses, { axis: 1 }), reduction);
}

function ones(n: number, dtype: Tensor["dtype"]): Tensor {
  return fromData(dtype === "float64" ? new Float64Array(n).fill(1) : new Float32Array(n).fill(1), [n]);
}

/** The diagonal [n] of a square matrix, and [n, n] with 0 on the diagonal and 1 elsewhere. */
function splitDiagonal(scores: Tensor, n: number): { positive: Tensor; offDiagonal: Tensor } {
  const data = scores.dtype === "float64" ? new Float64Array(n * n) : new Float32Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  const diagonal = fromData(data, [n, n]);
  return { positive: sum(multiply(scores, diagonal), { axis: 1 }), offDiagonal: subtract(1, diagonal) };
}

function requireSquare(name: string, scores: Tensor): number {
  const [n, m] = scores.shape;
  if (scores.shape.length !== 2 || n !== m)
    throw new RangeError(`${name}: scores is ${describe(scores)}; expected [n, n]`);
  return n!;
}
