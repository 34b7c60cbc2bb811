/**
 * A small network beside a retriever that tells which hard negatives are false: it sees the vectors of a
 * query and a document, and its judgement weighs negatives in training and reorders results in search.
 */
import { mlp } from "../nn/index.ts";
import type { Random } from "../random.ts";
import { abs, concat, multiply, reshape, stopGradient, subtract, sum, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/** Weights of a `falseNegativeAdapter`. */
export type AdapterParams = ReturnType<ReturnType<typeof mlp>["init"]>;

export interface FalseNegativeAdapter {
  init(random: Random): AdapterParams;
  /**
   * Logits of "this document is relevant", [n]. No gradient reaches the vectors, so that the adapter watches
   * the retriever without steering it.
   *
   * @param queries [n, width]
   * @param documents [n, width], row i with query i
   */
  apply(params: AdapterParams, queries: Tensor, documents: Tensor): Tensor;
}

/**
 * An adapter with one hidden layer over [h_q; h_d; h_q ⊙ h_d; |h_q − h_d|; h_q · h_d].
 *
 * Train it as a classifier of labelled positives against hard negatives, some of which are positives:
 * `puRisk` of "nearmiss/losses" is the loss for that.
 *
 * Source: Kim 2025, "RRRA: Resampling and Reranking through a Retriever Adapter".
 *
 * @param width of the retriever's vectors
 * @param options.hidden Width of the hidden layer. Default 64.
 */
export function falseNegativeAdapter(
  width: number,
  { hidden = 64 }: { hidden?: number } = {},
): FalseNegativeAdapter {
  for (const [name, value] of Object.entries({ width, hidden }))
    if (!(Number.isSafeInteger(value) && value > 0))
      throw new RangeError(`falseNegativeAdapter: ${name} is ${value}; expected a positive integer`);
  const network = mlp([4 * width + 1, hidden, 1]);
  return {
    init: network.init,
    apply(params, queries, documents) {
      for (const [name, x] of Object.entries({ queries, documents }))
        if (x.shape.length !== 2 || x.shape[1] !== width || x.shape[0] !== queries.shape[0])
          throw new RangeError(
            `falseNegativeAdapter: ${name} is ${describe(x)}; expected [${queries.shape[0]}, ${width}]`,
          );
      const [q, d] = [stopGradient(queries), stopGradient(documents)];
      const product = multiply(q, d);
      const score = sum(product, { axis: 1, keepDims: true });
      const inputs = concat([q, d, product, abs(subtract(q, d)), score], 1);
      return reshape(network.apply(params, inputs), [-1]);
    },
  };
}

/**
 * Logarithms of resampling weights, (1 − p_i)^η g_i with p_i = σ(logit_i) the probability that negative i is
 * false; for `sampleWithoutReplacement`.
 *
 * Source: Kim 2025, the resampling by the adapter's probabilities.
 *
 * @param logits of the adapter, [candidates]
 * @param options.exponent η ≥ 0. Default 1.
 * @param options.base log g of another rule, for instance `simansLogWeights`. Default: 0 everywhere.
 */
export function falseNegativeLogWeights(
  logits: ArrayLike<number>,
  { exponent = 1, base }: { exponent?: number; base?: ArrayLike<number> } = {},
): Float64Array {
  if (!(exponent >= 0 && exponent < Infinity))
    throw new RangeError(`falseNegativeLogWeights: exponent is ${exponent}; expected a number of at least 0`);
  if (base && base.length !== logits.length)
    throw new RangeError(
      `falseNegativeLogWeights: base has ${base.length} entries; expected ${logits.length}, as many as logits`,
    );
  return Float64Array.from(logits, (logit, i) => {
    // log(1 − σ(x)) = −softplus(x); an exponent of 0 leaves the base alone, also where p is 1.
    const keep =
      exponent === 0 ? 0 : -exponent * (Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))));
    return keep + (base?.[i] ?? 0);
  });
}

/**
 * One query's results in a new order: by score + λ · logit, ties as they stood.
 *
 * Source: Kim 2025, the reranking of the top k.
 *
 * @param results the retriever's best documents
 * @param logits of the adapter, one a result
 */
export function rerankByAdapter<Result extends { score: number }>(
  results: readonly Result[],
  logits: ArrayLike<number>,
  lambda: number,
): Result[] {
  if (results.length !== logits.length)
    throw new RangeError(
      `rerankByAdapter: ${logits.length} logits; expected ${results.length}, one a result`,
    );
  if (!(lambda >= 0 && lambda < Infinity))
    throw new RangeError(`rerankByAdapter: lambda is ${lambda}; expected a number of at least 0`);
  return results
    .map((result, i) => ({ result, final: result.score + lambda * logits[i]! }))
    .sort((a, b) => b.final - a.final)
    .map(({ result }) => result);
}
