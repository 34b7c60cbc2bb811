/**
 * The reverse dictionary with hidden positives: from a WordNet definition to its cards. Card A holds the
 * words that are defined and those of the next broader term, and is labelled. Card B holds narrower words,
 * parts and examples; it is relevant too, but unlabelled, so a miner that takes it for a negative has mined
 * a false negative. Real text, where the world of latent intents is made up.
 */
import { compile, fromData, reshape, slice, type Tensor, valueAndGrad, values } from "nearmiss";
import { reverseDictionary } from "nearmiss/data";
import { l2Normalize } from "nearmiss/losses";
import { bagMeans, embeddingTable, lazyAdamBags, lazyAdamState, rowCollector } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import {
  denseIndex,
  evaluateRankings,
  type Ranked,
  unitRows,
  type Vectors,
  vectors,
} from "nearmiss/retrieval";
import { characterNgrams, hash32, words } from "nearmiss/text";
import { remember } from "../remember.ts";
import { type RetrievalLoss, type RetrievalQuality, sharedInfoNCE } from "./latent-retrieval.ts";

export interface CardSizes {
  /** Entries, each with one query and two cards. */
  train: number;
  development: number;
  test: number;
}

export type CardPart = keyof CardSizes;

/** Entry e has query e, card A as document 2e and card B as document 2e + 1; training entries come first. */
export interface HiddenCards {
  queries: string[];
  documents: string[];
  /** Numbers of the entries of a part: from the first up to but not including the second. */
  parts: Record<CardPart, readonly [from: number, to: number]>;
  /** Numbers of each text's features, for encoders. */
  features: { queries: Int32Array[]; documents: Int32Array[] };
}

/** The documents of a part: training never mines the cards of other parts. */
export const documentsOf = ({ parts }: HiddenCards, part: CardPart): readonly [number, number] => [
  2 * parts[part][0],
  2 * parts[part][1],
];

/** A query's labelled document. */
export const labelledOf = (query: number): number => 2 * query;

/** A query's documents, the labelled one first. */
export const relevantOf = (query: number): readonly number[] => [2 * query, 2 * query + 1];

export const hiddenCards = remember((seed: number, { train, development, test }: CardSizes): HiddenCards => {
  const split = reverseDictionary({ train, development, test, seed, hiddenPositives: true });
  const entries = [...split.train, ...split.development, ...split.test];
  const queries = entries.map(({ gloss }) => gloss);
  const documents = entries.flatMap(({ card, hiddenCard }) => [card, hiddenCard!]);
  return {
    queries,
    documents,
    parts: {
      train: [0, train],
      development: [train, train + development],
      test: [train + development, entries.length],
    },
    features: { queries: queries.map(featuresOf), documents: documents.map(featuresOf) },
  };
}, 2);

const BUCKETS = 1 << 14;
const WIDTH = 64;
/** Features of a text that a step looks at, drawn at random from longer ones. */
const LENGTH = 48;

/** Words and groups of three letters in hashed buckets; words twice, as they tell more. */
export function featuresOf(text: string): Int32Array {
  const bucket = (feature: string) => hash32(feature) % BUCKETS;
  const whole = words(text).map((word) => bucket(`word ${word}`));
  return Int32Array.from([...whole, ...whole, ...characterNgrams(text).map(bucket)]);
}

/** A text's vector is the mean of its features' rows, [BUCKETS, WIDTH]; queries and documents share the table. */
export type BagEncoder = Float32Array;

export interface BagTraining {
  cards: HiddenCards;
  seed: number;
  steps: number;
  learningRate: number;
  /** Where training begins; random rows where left out. */
  from?: BagEncoder;
  /** Default 64. */
  batchSize?: number;
  /** Hard negatives of a training query: documents, as many for every query and step. Default: none. */
  negatives?: (query: number, draw: Random) => ArrayLike<number>;
  /** Further numbers of a query that the loss wants, as many for every query. */
  extra?: (query: number, negatives: ArrayLike<number>, batch: readonly number[]) => ArrayLike<number>;
  /** Training queries of a step, which stand for themselves. Default: drawn at random. */
  batches?: (step: number, draw: Random) => readonly number[];
  /** Called before step 0 and after every so many steps with the rows so far, for miners that look again. */
  refresh?: { every: number; mine: (rows: BagEncoder, step: number) => Promise<void> };
  /** Default: `sharedInfoNCE`. */
  loss?: RetrievalLoss;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/**
 * Trains the table by Adam on the rows of each batch. Rows and batches depend on the seed alone, so that arms
 * of one seed see the same.
 */
export async function trainBags(options: BagTraining): Promise<BagEncoder> {
  const { cards, seed, steps, learningRate, batchSize = 64, loss = sharedInfoNCE, signal, onStep } = options;
  const root = random(seed).split("bags");
  const start = options.from ?? root.split("rows").normal(BUCKETS * WIDTH, 0, 0.05);
  const [from, to] = cards.parts.train;
  const drawn = (_: number, draw: Random) => Array.from(draw.sample(to - from, batchSize), (i) => from + i);
  const { batches = drawn, negatives, refresh } = options;
  let trainer: ReturnType<typeof bagTrainer> | undefined;
  for (let i = 0; i < steps; i++) {
    signal?.throwIfAborted();
    if (refresh && i % refresh.every === 0) await refresh.mine(trainer?.rows() ?? start, i);
    const draw = root.split(`batches of ${options.from ? "the second" : "the first"} phase`).split(i);
    const queries = batches(i, draw);
    const hard = negatives && queries.map((query) => Array.from(negatives(query, draw)));
    const extra =
      options.extra && queries.map((query, j) => Array.from(options.extra!(query, hard?.[j] ?? [], queries)));
    trainer ??= bagTrainer(start, { n: queries.length, k: hard?.[0]?.length ?? 0, loss, learningRate });
    const { documents } = cards.features;
    const texts = [
      ...queries.map((query) => cards.features.queries[query]!),
      ...queries.map((query) => documents[labelledOf(query)]!),
      ...(hard ?? []).flat().map((document) => documents[document]!),
    ];
    const value = await trainer.step(
      texts,
      draw.split("features"),
      extra && fromData(Float32Array.from(extra.flat()), [queries.length, extra[0]!.length]),
    );
    onStep?.(i + 1, steps, value);
  }
  return trainer ? trainer.rows() : start;
}

/** Steps for batches of n queries with k negatives each. */
function bagTrainer(
  start: BagEncoder,
  { n, k, loss, learningRate }: { n: number; k: number; loss: RetrievalLoss; learningRate: number },
) {
  const texts = n * (2 + k);
  const padding = BUCKETS;
  const table = embeddingTable(BUCKETS + 1, WIDTH, texts * LENGTH, { bag: LENGTH });
  table.values.set(start);
  const collect = rowCollector(BUCKETS + 1, texts * LENGTH, { bag: LENGTH, padding });
  const state = lazyAdamState(table);
  const means = new Float32Array(texts * WIDTH);
  const indices = new Int32Array(texts * LENGTH);
  const lossAndGradient = compile(
    (all: Tensor, extra: Tensor | null) =>
      valueAndGrad((x: Tensor) => {
        const part = (from: number, to: number) => l2Normalize(slice(x, [[from, to]]));
        return loss({
          queries: part(0, n),
          positives: part(n, 2 * n),
          ...(k > 0 && { negatives: reshape(part(2 * n, texts), [n, k, WIDTH]) }),
          ...(extra && { extra }),
        });
      })(all),
    { threads: 1 },
  );
  return {
    rows: () => table.values.slice(0, BUCKETS * WIDTH),
    async step(features: readonly Int32Array[], draw: Random, extra: Tensor | undefined): Promise<number> {
      if (features.length !== texts)
        throw new RangeError(
          `trainBags: ${features.length} texts in a batch; expected ${texts}, as in the first`,
        );
      indices.fill(padding);
      features.forEach((list, text) => {
        const taken = list.length <= LENGTH ? list : draw.sample(list.length, LENGTH).map((i) => list[i]!);
        indices.set(taken, text * LENGTH);
      });
      const batch = collect(indices);
      bagMeans(table, batch, means);
      const [value, gradient] = await lossAndGradient(fromData(means, [texts, WIDTH]), extra ?? null);
      lazyAdamBags(table, state, batch, values(gradient) as Float32Array, { learningRate });
      return values(value)[0]!;
    },
  };
}

/** Texts as vectors of length 1, from their features. */
export function encodeBags(rows: BagEncoder, features: readonly Int32Array[]): Vectors {
  const data = new Float32Array(features.length * WIDTH);
  for (const [text, list] of features.entries()) {
    const to = text * WIDTH;
    for (const feature of list) {
      const from = feature * WIDTH;
      for (let i = 0; i < WIDTH; i++) data[to + i]! += rows[from + i]!;
    }
  }
  return unitRows(vectors(data, WIDTH));
}

/** Vectors of all queries and documents. */
export const encodeCards = (rows: BagEncoder, { features }: HiddenCards) => ({
  queries: encodeBags(rows, features.queries),
  documents: encodeBags(rows, features.documents),
});

/** A training query's best documents among the training cards, best first, without its labelled one. */
export interface CardCandidates {
  of: (query: number) => { document: number; score: number }[];
  /** Score of each training query's labelled document. */
  positiveScores: Float32Array;
}

export async function cardCandidates(
  encoded: { queries: Vectors; documents: Vectors },
  cards: HiddenCards,
  depth: number,
): Promise<CardCandidates> {
  const { queries, documents } = encoded;
  const { width } = queries;
  const train = cards.parts.train[1];
  const first = (rows: Vectors, count: number) => vectors(rows.data.subarray(0, count * width), width);
  const ranked = await denseIndex(first(documents, 2 * train), { threads: 1 }).search(
    first(queries, train),
    depth + 1,
  );
  const positiveScores = Float32Array.from({ length: train }, (_, query) => {
    const at = labelledOf(query) * width;
    let sum = 0;
    for (let i = 0; i < width; i++) sum += queries.data[query * width + i]! * documents.data[at + i]!;
    return sum;
  });
  return { positiveScores, of: (query) => withoutLabelled(ranked, query).slice(0, depth) };
}

const withoutLabelled = ({ documents, scores, width }: Ranked, query: number) =>
  Array.from({ length: width }, (_, rank) => query * width + rank).flatMap((at) =>
    documents[at] === labelledOf(query) ? [] : [{ document: documents[at]!, score: scores[at]! }],
  );

/** How well a part's queries find their cards among all cards, those of other parts included. */
export async function cardQuality(
  rows: BagEncoder,
  cards: HiddenCards,
  part: CardPart,
): Promise<RetrievalQuality> {
  const [from, to] = cards.parts[part];
  const queries = Array.from({ length: to - from }, (_, i) => from + i);
  const index = denseIndex(encodeBags(rows, cards.features.documents), { threads: 1 });
  const found = await index.search(encodeBags(rows, cards.features.queries.slice(from, to)), 10);
  const rankings = queries.map((_, i) => found.documents.subarray(i * found.width, (i + 1) * found.width));
  return cardRankingQuality(rankings, queries);
}

/** The same for rankings of any ranker: `rankings[i]` holds the documents of query `queries[i]`, best first. */
export function cardRankingQuality(
  rankings: readonly ArrayLike<number>[],
  queries: readonly number[],
): RetrievalQuality {
  const mean = (scores: Float64Array) => scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const judged = (relevant: (query: number) => readonly number[]) =>
    queries.map((query) => new Map(relevant(query).map((document) => [document, 1])));
  return {
    "nDCG@10": mean(evaluateRankings(rankings, judged(relevantOf))["nDCG@10"]),
    "MRR@10": mean(
      evaluateRankings(
        rankings,
        judged((query) => [labelledOf(query)]),
      )["MRR@10"],
    ),
  };
}

/** Share of a miner's negatives that are the queries' own hidden cards. */
export function cardFalseNegativeRate(
  mined: Iterable<{ query: number; documents: ArrayLike<number> }>,
): number {
  let wrong = 0;
  let all = 0;
  for (const { query, documents } of mined)
    for (let i = 0; i < documents.length; i++) {
      all++;
      if (relevantOf(query).includes(documents[i]!)) wrong++;
    }
  return all === 0 ? 0 : wrong / all;
}

/** The encoder after the first phase, in-batch negatives alone: the same for all arms of a seed, so trained once. */
export const warmBags = remember(
  ({
    seed,
    sizes,
    steps,
    learningRate = 3e-3,
  }: {
    seed: number;
    sizes: CardSizes;
    steps: number;
    learningRate?: number;
  }) => trainBags({ cards: hiddenCards(seed, sizes), seed, steps, learningRate }),
);
