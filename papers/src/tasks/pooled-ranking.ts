/**
 * Ranking with pooled labels: a basic retriever pools ten documents for each query, and only these are
 * judged. Relevant documents that it missed stay unlabelled, and stronger retrievers find them. A ranker is
 * trained on lists of a labelled document and negatives of any source, with or without correction.
 */
import {
  add,
  compile,
  fromData,
  multiply,
  ones,
  reshape,
  sum,
  type Tensor,
  valueAndGrad,
  values,
} from "nearmiss";
import { type IntentRows, LATENT_FEATURES } from "nearmiss/data";
import { l2Normalize } from "nearmiss/losses";
import { type CoupledWeightOptions, coupledWeights, weightedListLoss } from "nearmiss/negatives";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { evaluateRankings } from "nearmiss/retrieval";
import { remember } from "../remember.ts";
import {
  type Candidates,
  candidatesOf,
  encodeRows,
  type Towers,
  trainTowers,
  world,
} from "./latent-retrieval.ts";

export const POOL = 10;
/** How deep the basic retriever's ranking is known; what lies beyond counts as of this rank. */
const KNOWN = 100;
const TEMPERATURE = 0.05;

export interface PooledSizes {
  topics: number;
  /** Training steps of the basic retriever, the middling and the strong one. */
  retrieverSteps: { weak: number; middle: number; strong: number };
  /** Steps of the ranker's first phase, with other queries' positives as negatives. */
  warmSteps: number;
}

export type Part = "train" | "development" | "test";
export type Retriever = keyof PooledSizes["retrieverSteps"];

/** Candidates of training queries by one of the retrievers, which are one training at different lengths. */
export const retrieved = remember(
  async (part: Part, retriever: Retriever, seed: number, sizes: PooledSizes): Promise<Candidates> => {
    const data = world(seed, sizes.topics);
    const towers = await retrieverOf(retriever, seed, sizes);
    return candidatesOf(towers, data, data[part], KNOWN);
  },
  8,
);

const retrieverOf = remember((retriever: Retriever, seed: number, sizes: PooledSizes) =>
  // Another seed than the ranker's, so that they share no weights.
  trainTowers({
    world: world(seed, sizes.topics),
    seed: -seed,
    steps: sizes.retrieverSteps[retriever],
    learningRate: 3e-3,
  }),
);

/** For each query the relevant documents in its pool, best first: its labels. */
export async function labelsOf(part: Part, seed: number, sizes: PooledSizes): Promise<number[][]> {
  const { documents, width } = await retrieved(part, "weak", seed, sizes);
  const data = world(seed, sizes.topics);
  return Array.from(data[part].intents, (intent, query) =>
    [...documents.subarray(query * width, query * width + POOL)].filter(
      (document) => data.documents.intents[document] === intent,
    ),
  );
}

/** The ranker after its first phase: the same for all arms of a seed. */
export const warmRanker = remember(async (seed: number, sizes: PooledSizes): Promise<Towers> => {
  const data = world(seed, sizes.topics);
  const labels = await labelsOf("train", seed, sizes);
  const byIntent = [
    ...Map.groupBy(
      labels.flatMap((list, query) => (list.length > 0 ? [query] : [])),
      (query) => data.train.intents[query]!,
    ).values(),
  ];
  return trainTowers({
    world: data,
    seed,
    steps: sizes.warmSteps,
    learningRate: 3e-3,
    batches: (_, draw) =>
      [...draw.sample(byIntent.length, Math.min(64, byIntent.length))].map((i) => draw.choice(byIntent[i]!)),
    positive: (query) => labels[query]![0]!,
  });
});

const tower = mlp([LATENT_FEATURES, 128, 32]);
/** Selection as seen from outside of the texts: rank and score of the basic retriever. */
const selector = mlp([2, 8, 1]);

/** How the negatives of a list are weighed: alike, or by coupled estimation. */
export type Correction = CoupledWeightOptions | undefined;

export interface Ranker {
  towers: Towers;
  selection: ReturnType<typeof selector.init>;
}

export interface RankerTraining {
  seed: number;
  sizes: PooledSizes;
  steps: number;
  learningRate: number;
  /** Negatives of a training query, as many for every query and step. */
  negatives: (query: number, draw: Random) => readonly number[];
  correction?: Correction;
  signal?: AbortSignal;
  onStep?: (step: number, loss: number) => void;
}

/** Trains the warm ranker on lists, and the selection model with it where there is a correction. */
export async function trainRanker(options: RankerTraining): Promise<Ranker> {
  const { seed, sizes, steps, learningRate, correction, signal, onStep } = options;
  const root = random(seed).split("ranker");
  const features = await selectionFeatures(seed, sizes);
  const labels = await labelsOf("train", seed, sizes);
  const queries = labels.flatMap((list, query) => (list.length > 0 ? [query] : []));
  const optimizer = adam({ learningRate });
  const start: Ranker = {
    towers: await warmRanker(seed, sizes),
    selection: selector.init(root.split("selection weights")),
  };
  let state = optimizer.init(start);
  const step = compile(
    (current: typeof state, lists: Lists) => {
      const [loss, gradients] = valueAndGrad((ranker: Ranker) => {
        const relevance = relevanceScores(ranker, lists);
        const n = relevance.shape[0]!;
        const k = relevance.shape[1]! - 1;
        if (!correction) return weightedListLoss(relevance, ones([n, k]));
        const selection = selectionScores(ranker, lists);
        const weights = coupledWeights(relevance, selection, correction);
        return add(
          weightedListLoss(relevance, weights.relevance),
          weightedListLoss(selection, weights.selection),
        );
      })(current.params);
      return { state: optimizer.update(current, gradients), loss };
    },
    { threads: 1 },
  );
  for (let i = 0; i < steps; i++) {
    signal?.throwIfAborted();
    const draw = root.split("batches").split(i);
    const batch = [...draw.sample(queries.length, Math.min(32, queries.length))].map((at) => queries[at]!);
    const lists = batch.map((query) => [labels[query]![0]!, ...options.negatives(query, draw)]);
    const result = await step(state, listsOf(batch, lists, features, seed, sizes));
    state = result.state;
    onStep?.(i + 1, values(result.loss)[0]!);
  }
  return state.params;
}

interface Lists {
  /** [n, LATENT_FEATURES] */
  queries: Tensor;
  /** [n · (1 + k), LATENT_FEATURES], each list's labelled document first. */
  documents: Tensor;
  /** [n · (1 + k), 2] */
  selection: Tensor;
}

function listsOf(
  queries: readonly number[],
  lists: readonly (readonly number[])[],
  selection: SelectionFeatures,
  seed: number,
  { topics }: PooledSizes,
): Lists {
  const { train, documents } = world(seed, topics);
  const rows = (from: IntentRows, which: readonly number[]) => {
    const data = new Float32Array(which.length * LATENT_FEATURES);
    which.forEach((row, i) => {
      data.set(
        from.features.subarray(row * LATENT_FEATURES, (row + 1) * LATENT_FEATURES),
        i * LATENT_FEATURES,
      );
    });
    return fromData(data, [which.length, LATENT_FEATURES]);
  };
  const seen = queries.flatMap((query, i) => lists[i]!.flatMap((document) => selection(query, document)));
  return {
    queries: rows(train, queries),
    documents: rows(documents, lists.flat()),
    selection: fromData(Float32Array.from(seen), [seen.length / 2, 2]),
  };
}

/** Cosines over the temperature, [n, 1 + k]. */
function relevanceScores({ towers }: Ranker, { queries, documents }: Lists): Tensor {
  const n = queries.shape[0]!;
  const encoded = l2Normalize(tower.apply(towers.document, documents));
  const lists = reshape(encoded, [n, -1, encoded.shape[1]!]);
  const query = reshape(l2Normalize(tower.apply(towers.query, queries)), [n, 1, encoded.shape[1]!]);
  return multiply(sum(multiply(lists, query), { axis: 2 }), 1 / TEMPERATURE);
}

/** [n, 1 + k] */
const selectionScores = ({ selection }: Ranker, { queries, selection: seen }: Lists): Tensor =>
  reshape(selector.apply(selection, seen), [queries.shape[0]!, -1]);

type SelectionFeatures = (query: number, document: number) => [rank: number, score: number];

/** What the basic retriever made of a pair: log rank from 0 to 1, and its score from the top score. */
const selectionFeatures = remember(async (seed: number, sizes: PooledSizes): Promise<SelectionFeatures> => {
  const { documents, scores, width } = await retrieved("train", "weak", seed, sizes);
  const places = new Map<number, number>();
  const size = world(seed, sizes.topics).documents.count;
  for (let at = 0; at < documents.length; at++)
    places.set(Math.floor(at / width) * size + documents[at]!, at);
  return (query, document) => {
    const at = places.get(query * size + document) ?? query * width + width - 1;
    const rank = at - query * width;
    return [Math.log1p(rank) / Math.log(KNOWN), scores[at]! - scores[query * width]!];
  };
}, 3);

/** The weights that a trained ranker's correction gives to negatives in the relevance loss, a list a query. */
export async function weightsOf(
  ranker: Ranker,
  correction: CoupledWeightOptions,
  lists: readonly { query: number; negatives: readonly number[] }[],
  seed: number,
  sizes: PooledSizes,
): Promise<ArrayLike<number>> {
  const labels = await labelsOf("train", seed, sizes);
  const weigh = compile(
    (params: Ranker, batch: Lists) =>
      coupledWeights(relevanceScores(params, batch), selectionScores(params, batch), correction).relevance,
    { threads: 1 },
  );
  const full = lists.map(({ query, negatives }) => [labels[query]![0]!, ...negatives]);
  const queries = lists.map(({ query }) => query);
  return values(
    await weigh(ranker, listsOf(queries, full, await selectionFeatures(seed, sizes), seed, sizes)),
  );
}

export interface RankingQuality {
  /** All documents of the query's intent are relevant. */
  "nDCG@10": number;
  /** Only the labelled ones are, of the queries that have any. */
  "nDCG@10 on pooled labels": number;
}

/** How well a ranker orders the strong retriever's 50 best documents of a part's queries. */
export async function rankingQuality(
  part: "development" | "test",
  { towers }: Ranker,
  seed: number,
  sizes: PooledSizes,
): Promise<RankingQuality> {
  const data = world(seed, sizes.topics);
  const [queries, documents] = [
    await encodeRows(towers.query, data[part]),
    await encodeRows(towers.document, data.documents),
  ];
  const first = await retrieved(part, "strong", seed, sizes);
  const depth = Math.min(50, first.width);
  const rankings = Array.from(data[part].intents, (_, query) => {
    const list = [...first.documents.subarray(query * first.width, query * first.width + depth)];
    const score = new Map(
      list.map((document) => [document, dot(queries.data, query, documents.data, document)]),
    );
    return list.sort((a, b) => score.get(b)! - score.get(a)!);
  });
  const labels = await labelsOf(part, seed, sizes);
  const mean = (relevant: (query: number) => readonly number[]) => {
    const judged = rankings.map((_, query) => new Map(relevant(query).map((document) => [document, 1])));
    const kept = rankings.flatMap((_, query) => (judged[query]!.size > 0 ? [query] : []));
    const scores = evaluateRankings(
      kept.map((query) => rankings[query]!),
      kept.map((query) => judged[query]!),
    )["nDCG@10"];
    return scores.reduce((total, score) => total + score, 0) / scores.length;
  };
  return {
    "nDCG@10": mean((query) => data.relevant[data[part].intents[query]!]!),
    "nDCG@10 on pooled labels": mean((query) => labels[query]!),
  };
}

function dot(a: Float32Array, i: number, b: Float32Array, j: number): number {
  let total = 0;
  for (let c = 0; c < 32; c++) total += a[i * 32 + c]! * b[j * 32 + c]!;
  return total;
}
