/** Losses of word vectors: a centre word's vector against the output vectors of its context. */
import {
  abs,
  add,
  expandDims,
  logSigmoid,
  matmul,
  multiply,
  negate,
  squeeze,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Skip-gram with negative sampling: −log σ(v'_O · v_I) − Σ_i log σ(−v'_i · v_I), over k drawn words.
 *
 * With negatives from P_n, the best score of a pair is log p(w | v) / P_n(w) − log k, its shifted pointwise
 * mutual information (Levy and Goldberg 2014).
 *
 * Source: Mikolov et al., "Distributed representations of words and phrases and their compositionality"
 * (2013), equation 4.
 *
 * @param centers v_I, input vectors, [n, d]
 * @param positives v'_O, output vectors of true context words, [n, d]
 * @param negatives v'_i, output vectors of drawn words, [n, k, d]; see `unigramSampler`
 * @returns A scalar, or [n] with reduction "none".
 */
export function negativeSampling(
  centers: Tensor,
  positives: Tensor,
  negatives: Tensor,
  { reduction }: LossOptions = {},
): Tensor {
  const [positive, negative] = scoresOf("negativeSampling", centers, positives, negatives);
  return reduce(binaryLosses(positive, negative), reduction);
}

export interface NoiseContrastiveOptions extends LossOptions {
  /** log (k P_n(w)) of each positive, [n]. */
  positiveLogNoise: Tensor;
  /** log (k P_n(w)) of each negative, [n, k]. */
  negativeLogNoise: Tensor;
}

/**
 * Noise-contrastive estimation for word vectors: negative sampling with log (k P_n(w)) subtracted from each
 * score, so that at the optimum the scores are log p(w | v), normalised without a sum over the vocabulary.
 *
 * Source: Gutmann and Hyvärinen (2012); for word vectors Mnih and Kavukcuoglu (2013).
 *
 * @param centers [n, d] @param positives [n, d] @param negatives [n, k, d]
 */
export function noiseContrastiveEstimation(
  centers: Tensor,
  positives: Tensor,
  negatives: Tensor,
  { positiveLogNoise, negativeLogNoise, reduction }: NoiseContrastiveOptions,
): Tensor {
  const [positive, negative] = scoresOf("noiseContrastiveEstimation", centers, positives, negatives);
  for (const [name, given, scores] of [
    ["positiveLogNoise", positiveLogNoise, positive],
    ["negativeLogNoise", negativeLogNoise, negative],
  ] as const)
    if (given.shape.join() !== scores.shape.join())
      throw new RangeError(
        `noiseContrastiveEstimation: ${name} is ${describe(given)}; expected [${scores.shape}]`,
      );
  const losses = binaryLosses(subtract(positive, positiveLogNoise), subtract(negative, negativeLogNoise));
  return reduce(losses, reduction);
}

/**
 * Hierarchical softmax: −Σ_j log σ(±v'_{n(w,j)} · v_I) over the inner nodes from a binary tree's root to the
 * predicted word. The probabilities of all words sum to 1.
 *
 * Source: Morin and Bengio (2005); Mikolov et al. (2013), equation 3. Trees come from `huffmanTree`.
 *
 * @param centers [n, d]
 * @param nodes Output vectors of the inner nodes on each word's path, padded, [n, length, d]
 * @param signs 1 where the path turns left, −1 where right, 0 for padding, [n, length]
 */
export function hierarchicalSoftmax(
  centers: Tensor,
  nodes: Tensor,
  signs: Tensor,
  { reduction }: LossOptions = {},
): Tensor {
  requireRows("hierarchicalSoftmax", "nodes", centers, nodes);
  if (signs.shape.join() !== nodes.shape.slice(0, 2).join())
    throw new RangeError(
      `hierarchicalSoftmax: signs is ${describe(signs)}; expected [${nodes.shape.slice(0, 2)}]`,
    );
  const turns = logSigmoid(multiply(signs, products(nodes, centers)));
  return reduce(negate(sum(multiply(abs(signs), turns), { axis: 1 })), reduction);
}

function scoresOf(
  name: string,
  centers: Tensor,
  positives: Tensor,
  negatives: Tensor,
): [positive: Tensor, negative: Tensor] {
  requireRows(name, "negatives", centers, negatives);
  if (positives.shape.join() !== centers.shape.join())
    throw new RangeError(`${name}: positives is ${describe(positives)}; expected [${centers.shape}]`);
  return [sum(multiply(positives, centers), { axis: 1 }), products(negatives, centers)];
}

const binaryLosses = (positive: Tensor, negative: Tensor): Tensor =>
  negate(add(logSigmoid(positive), sum(logSigmoid(negate(negative)), { axis: 1 })));

/** [n, k, d] and [n, d] to [n, k]. */
const products = (many: Tensor, one: Tensor): Tensor => squeeze(matmul(many, expandDims(one, 2)), 2);

function requireRows(name: string, argument: string, centers: Tensor, rows: Tensor): void {
  if (centers.shape.length !== 2)
    throw new RangeError(`${name}: centers is ${describe(centers)}; expected [n, d]`);
  const [n, d] = centers.shape;
  if (rows.shape.length !== 3 || rows.shape[0] !== n || rows.shape[2] !== d)
    throw new RangeError(`${name}: ${argument} is ${describe(rows)}; expected [${n}, k, ${d}]`);
}
