/** Masked language models that are not punished for a synonym of the hidden word. */
import {
  add,
  any,
  argMax,
  concat,
  divide,
  equal,
  expandDims,
  fromData,
  gather,
  gatherElements,
  greater,
  greaterEqual,
  logicalAnd,
  logicalNot,
  logSoftmax,
  logSumExp,
  matmul,
  multiply,
  negate,
  softmax,
  sqrt,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { reduceTokens, requireTokens, type TokenLossOptions } from "./over-tokens.ts";
import { tokenCrossEntropy } from "./token-cross-entropy.ts";

/**
 * Lists of synonyms as a table: int32 [lists, longest list], at least one column, filled up with −1.
 *
 * @param lists Of each token its synonyms, without itself and none twice; see `synonymLists` of nearmiss/data.
 * @throws RangeError for a synonym that is no token, is the token itself or stands twice.
 */
export function synonymTable(lists: readonly ArrayLike<number>[]): Tensor {
  const longest = lists.reduce((most, list) => Math.max(most, list.length), 1);
  const data = new Int32Array(lists.length * longest).fill(-1);
  lists.forEach((list, token) => {
    for (let i = 0; i < list.length; i++) {
      const synonym = list[i]!;
      if (!(Number.isInteger(synonym) && synonym >= 0 && synonym < lists.length) || synonym === token)
        throw new RangeError(
          `synonymTable: lists[${token}] holds ${synonym}; expected another token, 0 to ${lists.length - 1}`,
        );
      if (data.subarray(token * longest, token * longest + i).includes(synonym))
        throw new RangeError(`synonymTable: lists[${token}] holds ${synonym} twice; expected it once`);
      data[token * longest + i] = synonym;
    }
  });
  return fromData(data, [lists.length, longest]);
}

/**
 * Where a model's likeliest token is not the true one but a synonym of it: a false negative of the cross-entropy.
 *
 * @param logits [n, length, vocabulary]
 * @param tokens int32 [n, length]
 * @param mask bool [n, length]; false wherever it is.
 * @param synonyms int32 [vocabulary, most], see `synonymTable`
 * @returns bool [n, length]; no gradient flows through it.
 */
export function falseNegatives(logits: Tensor, tokens: Tensor, mask: Tensor, synonyms: Tensor): Tensor {
  const own = synonymsOf("falseNegatives", logits, tokens, mask, synonyms);
  const predicted = argMax(stopGradient(logits));
  return logicalAnd(mask, any(equal(own, expandDims(predicted, 2)), { axis: 2 }));
}

/**
 * Hard correction: cross-entropy of the tokens that the mask keeps, less those where the model's likeliest token is a
 * synonym of the true one. Those have neither loss nor gradient, and a mean does not count them.
 *
 * Which they are is asked of the logits anew each time. With an empty table it is `tokenCrossEntropy`.
 *
 * Source: Zhang, Zhao, Utiyama and Sumita, "Language Model Pre-training on True Negatives" (2022), hard correction.
 *
 * @param logits [n, length, vocabulary]
 * @param tokens int32 [n, length]
 * @param mask bool [n, length]
 * @param synonyms int32 [vocabulary, most], see `synonymTable`
 * @returns A scalar; [n, length] with reduction "none". 0 where no token is left.
 */
export function correctedCrossEntropy(
  logits: Tensor,
  tokens: Tensor,
  mask: Tensor,
  synonyms: Tensor,
  options: TokenLossOptions = {},
): Tensor {
  const kept = logicalAnd(mask, logicalNot(falseNegatives(logits, tokens, mask, synonyms)));
  return tokenCrossEntropy(logits, tokens, kept, options);
}

export interface SimilarityRegularizedOptions extends TokenLossOptions {
  /** λ of the similarity term, at least 0. Default: 1. */
  weight?: number;
}

/**
 * Soft regularisation: −log p(token) + λ (1 − cos(Σ_v p_v e_v, e_token)), which asks less of a model whose
 * probability lies on tokens with vectors like that of the true one.
 *
 * The vectors are targets: no gradient flows into them through this term. A vector of zeros has cosine 0 with all.
 *
 * Source: Zhang, Zhao, Utiyama and Sumita (2022), soft regularisation of words; that the prediction's vector is the
 * expected one, which has a gradient, is a reading.
 *
 * @param logits [n, length, vocabulary]
 * @param tokens int32 [n, length]
 * @param mask bool [n, length]
 * @param embeddings e, [vocabulary, width]
 * @returns A scalar; [n, length] with reduction "none".
 */
export function similarityRegularizedCrossEntropy(
  logits: Tensor,
  tokens: Tensor,
  mask: Tensor,
  embeddings: Tensor,
  { weight = 1, ...options }: SimilarityRegularizedOptions = {},
): Tensor {
  const name = "similarityRegularizedCrossEntropy";
  requireTokens(name, logits, tokens, mask);
  if (embeddings.shape.length !== 2 || embeddings.shape[0] !== logits.shape[2])
    throw new RangeError(
      `${name}: embeddings is ${describe(embeddings)}; expected [${logits.shape[2]}, width]`,
    );
  if (!(weight >= 0)) throw new RangeError(`${name}: weight is ${weight}; expected a number of at least 0`);
  const vectors = stopGradient(embeddings);
  const expected = matmul(softmax(logits), vectors);
  const own = gather(vectors, where(mask, tokens, 0));
  const distances = where(mask, subtract(1, cosine(expected, own)), 0);
  const likelihood = tokenCrossEntropy(logits, tokens, mask, { ...options, reduction: "none" });
  return reduceTokens(name, add(likelihood, multiply(distances, weight)), mask, options);
}

/**
 * −log of the probability of the token or any of its synonyms, at most the cross-entropy of the token.
 *
 * Not of the paper: it keeps what hard correction throws away, that one of the synonyms is right, and so tells
 * whether dropping or the table helps.
 *
 * @param logits [n, length, vocabulary]
 * @param tokens int32 [n, length]
 * @param mask bool [n, length]
 * @param synonyms int32 [vocabulary, most], see `synonymTable`
 * @returns A scalar; [n, length] with reduction "none".
 */
export function synonymSetCrossEntropy(
  logits: Tensor,
  tokens: Tensor,
  mask: Tensor,
  synonyms: Tensor,
  options: TokenLossOptions = {},
): Tensor {
  const own = synonymsOf("synonymSetCrossEntropy", logits, tokens, mask, synonyms);
  const right = concat([expandDims(where(mask, tokens, 0), 2), own], 2);
  const present = greaterEqual(right, 0);
  const logProbs = gatherElements(logSoftmax(logits), where(present, right, 0), { axis: 2 });
  const losses = negate(logSumExp(where(present, logProbs, Number.NEGATIVE_INFINITY), { axis: 2 }));
  return reduceTokens("synonymSetCrossEntropy", where(mask, losses, 0), mask, options);
}

/** The synonyms of each token, [n, length, most]. */
function synonymsOf(name: string, logits: Tensor, tokens: Tensor, mask: Tensor, synonyms: Tensor): Tensor {
  requireTokens(name, logits, tokens, mask);
  const vocabulary = logits.shape[2];
  if (synonyms.shape.length !== 2 || synonyms.dtype !== "int32" || synonyms.shape[0] !== vocabulary)
    throw new RangeError(`${name}: synonyms is ${describe(synonyms)}; expected int32 [${vocabulary}, most]`);
  return gather(synonyms, where(mask, tokens, 0));
}

/** Cosines of the vectors along the last axis; 0, without gradient, where one is of zeros. */
function cosine(a: Tensor, b: Tensor): Tensor {
  const squares = multiply(sum(multiply(a, a), { axis: -1 }), sum(multiply(b, b), { axis: -1 }));
  const defined = greater(squares, 0);
  const ratio = divide(sum(multiply(a, b), { axis: -1 }), sqrt(where(defined, squares, 1)));
  return where(defined, ratio, 0);
}
