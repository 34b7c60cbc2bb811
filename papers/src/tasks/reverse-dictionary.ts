/**
 * The reverse dictionary: from a WordNet definition to the words that it defines, with a bag-of-words
 * encoder that queries and documents share.
 */
import { compile, fromData, matmul, type Tensor, transpose, valueAndGrad, values } from "nearmiss";
import { reverseDictionary, take } from "nearmiss/data";
import { epochs, fit } from "nearmiss/fit";
import { l2Normalize } from "nearmiss/losses";
import { dense } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { characterNgrams, hashedBag, words } from "nearmiss/text";
import { remember } from "../remember.ts";

/** Pairs of texts; row i of both belongs together. Bags are [n, BUCKETS]. */
export interface Pairs {
  count: number;
  queries: Float32Array;
  documents: Float32Array;
}

export interface PairSize {
  train: number;
  validation: number;
  test: number;
  seed: number;
}

const BUCKETS = 2048;

/** Words and character 3-grams in hashed buckets, each row of length 1. */
function bags(texts: readonly string[]): Float32Array {
  const rows = new Float32Array(texts.length * BUCKETS);
  const features = (text: string) => [...words(text), ...characterNgrams(text)];
  texts.forEach((text, i) => {
    const { indices, values } = hashedBag(text, BUCKETS, { features });
    const length = Math.hypot(...values) || 1;
    indices.forEach((bucket, j) => {
      rows[i * BUCKETS + bucket] = values[j]! / length;
    });
  });
  return rows;
}

/** Definitions and the words that they define, with the words of the next broader term. */
export const definitionPairs = remember(
  ({ train, validation, test, seed }: PairSize): Record<"train" | "validation" | "test", Pairs> => {
    const parts = reverseDictionary({ train, development: validation, test, seed });
    const pairs = (entries: (typeof parts)["train"]): Pairs => ({
      count: entries.length,
      queries: bags(entries.map(({ gloss }) => gloss)),
      documents: bags(entries.map(({ card }) => card)),
    });
    return { train: pairs(parts.train), validation: pairs(parts.development), test: pairs(parts.test) };
  },
  2,
);

/** Mean loss over cosines [n, n] of queries (rows) and documents (columns); the diagonal holds the positives. */
export type ScoreLoss = (scores: Tensor) => Tensor;

export interface RetrieverOptions {
  pairs: Pairs;
  loss: ScoreLoss;
  learningRate: number;
  batchSize: number;
  steps: number;
  width: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Cosines of all queries with all documents, [queries, documents]. */
export type Scorer = (pairs: Pairs) => Promise<Float32Array>;

export async function trainRetriever(options: RetrieverOptions): Promise<Scorer> {
  const { pairs, loss, learningRate, batchSize, steps, width, seed, signal, onStep } = options;
  const layer = dense(BUCKETS, width);
  const optimizer = adam({ learningRate });
  const root = random(seed);
  const start = () => optimizer.init(layer.init(root.split("weights")));
  const score = (params: ReturnType<typeof layer.init>, queries: Tensor, documents: Tensor) => {
    const encode = (x: Tensor) => l2Normalize(layer.apply(params, x));
    return matmul(encode(queries), transpose(encode(documents)));
  };
  const step = compile(
    (state: ReturnType<typeof start>, batch: { queries: Tensor; documents: Tensor }) => {
      const [value, gradients] = valueAndGrad((params: typeof state.params) =>
        loss(score(params, batch.queries, batch.documents)),
      )(state.params);
      return { state: optimizer.update(state, gradients), loss: value };
    },
    { threads: 1 },
  );
  const order = epochs({ count: pairs.count, size: batchSize, random: root.split("batches") });
  const rows = (x: Float32Array, indices: Int32Array) =>
    fromData(take(x, indices, BUCKETS), [indices.length, BUCKETS]);
  const {
    state: { params },
  } = await fit({
    state: start(),
    step,
    steps,
    signal,
    batch: (i) => {
      const indices = order.indices(i);
      return { queries: rows(pairs.queries, indices), documents: rows(pairs.documents, indices) };
    },
    onStep: (i, value) => onStep?.(i, steps, value),
  });
  const scoreAll = compile(score, { threads: 1 });
  return async ({ count, queries, documents }) =>
    values(
      await scoreAll(params, fromData(queries, [count, BUCKETS]), fromData(documents, [count, BUCKETS])),
    ) as Float32Array;
}
