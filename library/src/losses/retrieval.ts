/** Losses for dense retrievers: over pairs of a positive and a negative, and over lists in their order. */

import {
  any,
  concat,
  divide,
  equal,
  expandDims,
  fromData,
  gatherElements,
  greaterEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logSigmoid,
  logSoftmax,
  matmul,
  maximum,
  multiply,
  scalar,
  slice,
  softmax,
  softplus,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  topK,
  transpose,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Negative log-likelihood of the positive against one negative at a time:
 * −log e^{s⁺} / (e^{s⁺} + e^{s⁻}) = log(1 + e^{s⁻ − s⁺}). Its slope in s⁻ is σ(s⁻ − s⁺), so that a negative far
 * below the positive no longer teaches anything.
 *
 * Source: Xiong et al., "Approximate nearest neighbor negative contrastive learning for dense text retrieval"
 * (2020), which names it the pairwise form of the negative log-likelihood.
 *
 * @param positive Scores of the positives, [n].
 * @param negative Scores of negatives, [n], or [n, k] for k of each query.
 * @returns A scalar, the mean over all pairs by default; of `negative`'s shape with reduction "none".
 */
export function pairwiseNLL(positive: Tensor, negative: Tensor, { reduction }: LossOptions = {}): Tensor {
  const [n] = positive.shape;
  const { shape } = negative;
  if (positive.shape.length !== 1)
    throw new RangeError(`pairwiseNLL: positive is ${describe(positive)}; expected [n]`);
  if ((shape.length !== 1 && shape.length !== 2) || shape[0] !== n)
    throw new RangeError(`pairwiseNLL: negative is ${describe(negative)}; expected [${n}] or [${n}, k]`);
  const against = shape.length === 1 ? positive : expandDims(positive, 1);
  return reduce(softplus(subtract(negative, against)), reduction);
}

export interface StarOptions {
  /** Inner products are divided by it. Default: 1. */
  temperature?: number;
  /**
   * bool [n, n + m]: documents that must not count as negatives of a query, the batch's positives first, then
   * `hard`. A query's own positive never counts. Default: none.
   */
  exclude?: Tensor;
}

/**
 * Stable training with hard negatives (STAR): `pairwiseNLL` of each query's positive against the positives of
 * the batch's other queries, which stand for random negatives, and against the hard negatives of all queries.
 * One mean over all these pairs, not the mean of two.
 *
 * Source: Zhan et al., "Optimizing dense retrieval model training with hard negatives" (2021), section 4.1, with
 * the mean over pairs of the authors' code.
 *
 * @param queries [n, d]
 * @param positives [n, d]; row i belongs to query i
 * @param hard Hard negatives of any of the queries, [m, d]. Without them only the batch's positives count.
 * @returns A scalar; 0 where no pair is left.
 */
export function starLoss(
  queries: Tensor,
  positives: Tensor,
  hard?: Tensor,
  { temperature = 1, exclude }: StarOptions = {},
): Tensor {
  if (queries.shape.length !== 2 || !sameShape(queries.shape, positives.shape))
    throw new RangeError(
      `starLoss: queries ${describe(queries)} and positives ${describe(positives)}; expected two of one shape [n, d]`,
    );
  const [n, d] = queries.shape as [number, number];
  if (hard && (hard.shape.length !== 2 || hard.shape[1] !== d))
    throw new RangeError(`starLoss: hard is ${describe(hard)}; expected [m, ${d}]`);
  if (!(temperature > 0))
    throw new RangeError(`starLoss: temperature is ${temperature}; expected a number above 0`);
  const m = n + (hard?.shape[0] ?? 0);
  if (exclude && (exclude.dtype !== "bool" || !sameShape(exclude.shape, [n, m])))
    throw new RangeError(`starLoss: exclude is ${describe(exclude)}; expected bool [${n}, ${m}]`);
  const scaled = multiply(queries, 1 / temperature);
  const scores = matmul(scaled, transpose(hard ? concat([positives, hard]) : positives));
  const positive = sum(multiply(scaled, positives), { axis: 1, keepDims: true });
  const own = diagonal(n, m);
  const counted = logicalNot(exclude ? logicalOr(own, exclude) : own);
  const total = sum(where(counted, softplus(subtract(scores, positive)), 0));
  return divide(total, pairsIn(counted, scores));
}

export interface LambdaOptions extends LossOptions {
  /** Ranks below it have weight 0, as in MRR@cut. Default: none has. */
  cut?: number;
  /** bool [n, k]: what of a list counts, for lists of different lengths. Default: all. */
  include?: Tensor;
}

/**
 * LambdaRank for the mean reciprocal rank: over pairs of a relevant document i and an irrelevant one j of a list,
 * log(1 + e^{−(s_i − s_j)}) |1/i − 1/j|, i and j being their ranks in it; the mean over the list's pairs. The
 * weight is what the reciprocal rank changes by if the two change places.
 *
 * Source: Zhan et al., "Optimizing dense retrieval model training with hard negatives" (2021), section 4.2, after
 * Burges, "From RankNet to LambdaRank to LambdaMART" (2010).
 *
 * @param scores [n, k]: each query's list in its order, the document of rank 1 first. Relevant documents that were
 *   not retrieved go to its end.
 * @param relevant bool [n, k]
 * @returns A scalar, or [n] with reduction "none". A list without pairs counts 0.
 */
export function lambdaMRR(
  scores: Tensor,
  relevant: Tensor,
  { cut, include, reduction }: LambdaOptions = {},
): Tensor {
  if (scores.shape.length !== 2)
    throw new RangeError(`lambdaMRR: scores is ${describe(scores)}; expected [n, k]`);
  const [n, k] = scores.shape as [number, number];
  for (const [name, mask] of Object.entries({ relevant, include }))
    if (mask && (mask.dtype !== "bool" || !sameShape(mask.shape, scores.shape)))
      throw new RangeError(`lambdaMRR: ${name} is ${describe(mask)}; expected bool [${n}, ${k}]`);
  if (cut !== undefined && !(Number.isSafeInteger(cut) && cut > 0))
    throw new RangeError(`lambdaMRR: cut is ${cut}; expected a positive integer`);
  const irrelevant = logicalNot(relevant);
  const positive = include ? logicalAnd(relevant, include) : relevant;
  const negative = include ? logicalAnd(irrelevant, include) : irrelevant;
  // [n, i, j]
  const pairs = logicalAnd(expandDims(positive, 2), expandDims(negative, 1));
  const losses = softplus(subtract(expandDims(scores, 1), expandDims(scores, 2)));
  const weighted = where(pairs, multiply(losses, reciprocalRankChanges(k, cut, scores.dtype)), 0);
  const lists = divide(sum(weighted, { axis: [1, 2] }), pairsIn(pairs, scores, [1, 2]));
  return reduce(lists, reduction);
}

export interface AdoreOptions extends LossOptions {
  /** Documents retrieved for each query. Default: 200. */
  depth?: number;
  /** See `lambdaMRR`. */
  cut?: number;
  /** Inner products are divided by it. Default: 1. */
  temperature?: number;
}

/**
 * Training on what the query encoder retrieves at this very step (ADORE): searches all documents for each query
 * inside of the graph and takes `lambdaMRR` of the list that it finds. Where none of a query's positives is in the
 * list, all of them follow at its end. Documents are held constant: their index never has to be rebuilt, and any
 * frozen vectors will do.
 *
 * Source: Zhan et al., "Optimizing dense retrieval model training with hard negatives" (2021), section 4.2.
 *
 * @param queries [n, d]
 * @param documents [m, d]
 * @param positives int32 [n, p]: rows of `documents` that are relevant, −1 in places that are not used.
 * @returns A scalar, or [n] with reduction "none".
 */
export function adoreLoss(
  queries: Tensor,
  documents: Tensor,
  positives: Tensor,
  { depth = 200, temperature = 1, ...options }: AdoreOptions = {},
): Tensor {
  if (queries.shape.length !== 2 || documents.shape.length !== 2 || queries.shape[1] !== documents.shape[1])
    throw new RangeError(
      `adoreLoss: queries ${describe(queries)} and documents ${describe(documents)}; expected [n, d] and [m, d]`,
    );
  const [n] = queries.shape;
  if (positives.shape.length !== 2 || positives.shape[0] !== n || positives.dtype !== "int32")
    throw new RangeError(`adoreLoss: positives is ${describe(positives)}; expected int32 [${n}, p]`);
  if (!(Number.isSafeInteger(depth) && depth > 0))
    throw new RangeError(`adoreLoss: depth is ${depth}; expected a positive integer`);
  if (!(temperature > 0))
    throw new RangeError(`adoreLoss: temperature is ${temperature}; expected a number above 0`);
  const index = stopGradient(documents);
  const scores = matmul(multiply(queries, 1 / temperature), transpose(index));
  const { values: retrieved, indices } = topK(scores, Math.min(depth, documents.shape[0]!));
  const relevant = any(equal(expandDims(indices, 2), expandDims(positives, 1)), { axis: 2 });
  const found = any(relevant, { axis: 1, keepDims: true });
  const given = greaterEqual(positives, 0);
  const appended = logicalAnd(given, logicalNot(found));
  const positiveScores = gatherElements(scores, maximum(positives, 0));
  return lambdaMRR(concat([retrieved, positiveScores], 1), concat([relevant, appended], 1), {
    ...options,
    include: concat([greaterEqual(indices, 0), appended], 1),
  });
}

/** |1/i − 1/j| for ranks i and j from 1 to k, [k, k]. */
function reciprocalRankChanges(k: number, cut = k, dtype: Tensor["dtype"]): Tensor {
  const gain = (rank: number) => (rank <= cut ? 1 / rank : 0);
  const changes = Float64Array.from({ length: k * k }, (_, at) =>
    Math.abs(gain(Math.floor(at / k) + 1) - gain((at % k) + 1)),
  );
  return fromData(dtype === "float64" ? changes : Float32Array.from(changes), [k, k]);
}

export interface AdversarialRetrieverOptions extends LossOptions {
  /** λ: the share of the adversarial part, 0 to 1. Default: 0.5. */
  weight?: number;
  /** The ranker's scores are divided by it for its own distribution. Default: 1. */
  temperature?: number;
  /** Whether the positive, whose reward is log ½, counts in the adversarial part, as in the authors' code. Default: true. */
  includePositive?: boolean;
}

/**
 * What a retriever learns from a ranker that it tries to fool (AR2): λ Σ_i r_i log p_i − (1 − λ) Σ_i q_i log p_i,
 * where p and q are the distributions of retriever and ranker over a query's list and
 * r_i = log σ(t⁺ − t_i) ≤ 0 rewards documents that the ranker takes for better than the positive. No gradient
 * flows into the ranker.
 *
 * Source: Zhang et al., "Adversarial retriever-ranker for dense text retrieval" (2021). Its code adds 1e-7 inside the
 * logarithms and sums the adversarial part over the batch; neither is done here.
 *
 * @param retriever Scores of each query's list, [n, k]; the positive stands first.
 * @param ranker The ranker's scores t of the same, [n, k].
 * @returns A scalar, the mean over queries by default; [n] with reduction "none".
 */
export function adversarialRetrieverLoss(
  retriever: Tensor,
  ranker: Tensor,
  { weight = 0.5, temperature = 1, includePositive = true, reduction }: AdversarialRetrieverOptions = {},
): Tensor {
  const { shape } = retriever;
  if (shape.length !== 2 || shape[1]! < 1)
    throw new RangeError(`adversarialRetrieverLoss: retriever is ${describe(retriever)}; expected [n, k]`);
  if (!sameShape(shape, ranker.shape))
    throw new RangeError(
      `adversarialRetrieverLoss: ranker is ${describe(ranker)}; expected ${describe(retriever)}, as retriever`,
    );
  if (!(weight >= 0 && weight <= 1))
    throw new RangeError(`adversarialRetrieverLoss: weight is ${weight}; expected a number from 0 to 1`);
  if (!(temperature > 0))
    throw new RangeError(
      `adversarialRetrieverLoss: temperature is ${temperature}; expected a number above 0`,
    );
  const teacher = stopGradient(ranker);
  const logP = logSoftmax(retriever);
  const positive = slice(teacher, [null, [0, 1]]);
  const rewards = logSigmoid(subtract(positive, teacher));
  const counted = includePositive ? rewards : multiply(rewards, exceptFirst(shape[1]!, rewards.dtype));
  const factors = subtract(
    multiply(counted, weight),
    multiply(softmax(multiply(teacher, 1 / temperature)), 1 - weight),
  );
  return reduce(sum(multiply(factors, logP), { axis: 1 }), reduction);
}

/** [k], 0 first and then 1. */
function exceptFirst(k: number, dtype: Tensor["dtype"]): Tensor {
  const data = dtype === "float64" ? new Float64Array(k).fill(1) : new Float32Array(k).fill(1);
  data[0] = 0;
  return fromData(data, [k]);
}

/** bool [n, m], true on the diagonal. */
function diagonal(n: number, m: number): Tensor {
  const mask = new Uint8Array(n * m);
  for (let i = 0; i < n; i++) mask[i * m + i] = 1;
  return fromData(mask, [n, m], "bool");
}

/** How many elements of a mask are true, and 1 where none is, so that it can be divided by. */
function pairsIn(mask: Tensor, like: Tensor, axis?: number[]): Tensor {
  return maximum(sum(where(mask, scalar(1, like.dtype), 0), axis && { axis }), 1);
}
