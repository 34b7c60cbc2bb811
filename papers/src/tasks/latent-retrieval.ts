/**
 * Retrieval in the world of latent intents: two towers, one for queries and one for documents, trained by
 * InfoNCE with hard negatives of any miner. False negatives are known, so miners can be judged, not only
 * the retrievers that they make.
 */
import { compile, fromData, reshape, type Tensor, valueAndGrad, values } from "nearmiss";
import { type IntentRows, LATENT_FEATURES, type LatentIntentWorld, latentIntentWorld } from "nearmiss/data";
import { infoNCE, l2Normalize } from "nearmiss/losses";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { denseIndex, evaluateRankings, type Ranked, type Vectors, vectors } from "nearmiss/retrieval";
import { remember } from "../remember.ts";

/** The world of a seed, made once. */
export const world = remember(
  (seed: number, topics: number): LatentIntentWorld => latentIntentWorld(seed, { topics }),
);

const tower = mlp([LATENT_FEATURES, 128, 32]);
type Tower = ReturnType<typeof tower.init>;

export interface Towers {
  query: Tower;
  document: Tower;
}

/** The loss of a batch: queries and positives [n, 32], and k negatives of each query [n, k, 32], of length 1. */
export type RetrievalLoss = (batch: {
  queries: Tensor;
  positives: Tensor;
  negatives?: Tensor;
  /** What `extra` of the training options gave for the batch's queries. */
  extra?: Tensor;
}) => Tensor;

/** InfoNCE at temperature 0.05; hard negatives are shared by the batch, as are its positives. */
export const sharedInfoNCE: RetrievalLoss = ({ queries, positives, negatives }) => {
  const shared = negatives && reshape(negatives, [-1, negatives.shape[2]!]);
  return infoNCE(queries, positives, { temperature: 0.05, negatives: shared });
};

export interface TowerTraining {
  world: LatentIntentWorld;
  seed: number;
  steps: number;
  learningRate: number;
  /** Where training begins; new towers where left out. */
  from?: Towers;
  /** Default 64. */
  batchSize?: number;
  /** Hard negatives of a training query: documents, as many for every query and step. Default: none. */
  negatives?: (query: number, draw: Random) => ArrayLike<number>;
  /** Further numbers of a query that the loss wants, as many for every query. */
  extra?: (query: number, negatives: ArrayLike<number>) => ArrayLike<number>;
  /** Training queries of a step, as many in every step. Default: at random, of an intent one at most. */
  batches?: (step: number, draw: Random) => readonly number[];
  /** The document that a training query is labelled with. Default: its intent's. */
  positive?: (query: number) => number;
  /** Called before step 0 and after every so many steps with the towers so far, for miners that look again. */
  refresh?: { every: number; mine: (towers: Towers, step: number) => Promise<void> };
  /** Default: `sharedInfoNCE`. */
  loss?: RetrievalLoss;
  /** Which weights learn. Default: both towers. */
  train?: "both" | "query" | "document";
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/**
 * Trains the towers by Adam on random batches of training queries with their labelled documents. Weights
 * and batches depend on the seed alone, so that arms of one seed see the same.
 */
export async function trainTowers(options: TowerTraining): Promise<Towers> {
  const { seed, steps, learningRate, batchSize = 64, loss = sharedInfoNCE, train = "both" } = options;
  const { refresh, signal, onStep } = options;
  const root = random(seed).split("towers");
  const initial = options.from ?? {
    query: tower.init(root.split("query weights")),
    document: tower.init(root.split("document weights")),
  };
  const optimizer = adam({ learningRate });
  const step = compile(
    (state: ReturnType<typeof start>, fixed: Partial<Towers>, batch: Batch) => {
      const [value, gradients] = valueAndGrad((params: typeof state.params) => {
        const { query, document } = { ...fixed, ...params } as Towers;
        const encode = (weights: Tower, x: Tensor) => l2Normalize(tower.apply(weights, x));
        const { negatives } = batch;
        const width = 32;
        return loss({
          queries: encode(query, batch.queries),
          positives: encode(document, batch.positives),
          ...(negatives && {
            negatives: reshape(encode(document, reshape(negatives, [-1, LATENT_FEATURES])), [
              negatives.shape[0]!,
              negatives.shape[1]!,
              width,
            ]),
          }),
          ...(batch.extra && { extra: batch.extra }),
        });
      })(state.params);
      return { state: optimizer.update(state, gradients), loss: value };
    },
    { threads: 1 },
  );
  const learning: Partial<Towers> =
    train === "both"
      ? initial
      : train === "query"
        ? { query: initial.query }
        : { document: initial.document };
  const fixed: Partial<Towers> =
    train === "both" ? {} : train === "query" ? { document: initial.document } : { query: initial.query };
  const start = () => optimizer.init(learning);
  let state = start();
  for (let i = 0; i < steps; i++) {
    signal?.throwIfAborted();
    if (refresh && i % refresh.every === 0) await refresh.mine({ ...initial, ...state.params } as Towers, i);
    const draw = root.split(`batches of ${options.from ? "the second" : "the first"} phase`).split(i);
    const result = await step(state, fixed, batchOf(options, i, draw, batchSize));
    state = result.state;
    onStep?.(i + 1, steps, values(result.loss)[0]!);
  }
  return { ...initial, ...state.params } as Towers;
}

interface Batch {
  queries: Tensor;
  positives: Tensor;
  negatives?: Tensor;
  extra?: Tensor;
}

/** Each intent stands in a batch once at most, so that no in-batch negative is a labelled positive. */
function batchOf(options: TowerTraining, step: number, draw: Random, size: number): Batch {
  const { world, negatives, extra, batches } = options;
  const { train, documents, labelled } = world;
  const perIntent = train.count / labelled.length;
  const queries = batches
    ? [...batches(step, draw)]
    : Array.from(
        draw.sample(labelled.length, Math.min(size, labelled.length)),
        (intent) => intent * perIntent + draw.integer(0, perIntent),
      );
  const positive = options.positive ?? ((query) => labelled[train.intents[query]!]!);
  const hard = negatives && queries.map((query) => Array.from(negatives(query, draw)));
  const further = extra && queries.map((query, i) => Array.from(extra(query, hard?.[i] ?? [])));
  const features = (from: IntentRows, rows: number[]) => {
    const data = new Float32Array(rows.length * LATENT_FEATURES);
    rows.forEach((row, i) => {
      data.set(
        from.features.subarray(row * LATENT_FEATURES, (row + 1) * LATENT_FEATURES),
        i * LATENT_FEATURES,
      );
    });
    return data;
  };
  const n = queries.length;
  return {
    queries: fromData(features(train, queries), [n, LATENT_FEATURES]),
    positives: fromData(
      features(
        documents,
        queries.map((query) => positive(query)),
      ),
      [n, LATENT_FEATURES],
    ),
    ...(hard && {
      negatives: fromData(features(documents, hard.flat()), [n, hard[0]!.length, LATENT_FEATURES]),
    }),
    ...(further && { extra: fromData(Float32Array.from(further.flat()), [n, further[0]!.length]) }),
  };
}

/** Vectors of rows of features, of length 1. */
export async function encodeRows(weights: Tower, { features, count }: IntentRows): Promise<Vectors> {
  const encode = compile((w: Tower, x: Tensor) => l2Normalize(tower.apply(w, x)), { threads: 1 });
  return vectors(
    values(await encode(weights, fromData(features, [count, LATENT_FEATURES]))) as Float32Array,
    32,
  );
}

/** The best documents for every query of a part, and the score of its labelled one. */
export interface Candidates extends Ranked {
  /** [queries] */
  positiveScores: Float32Array;
  /** For each query its labelled document, [queries]. */
  positives: Int32Array;
}

export async function candidatesOf(
  towers: Towers,
  world: LatentIntentWorld,
  part: IntentRows,
  depth: number,
): Promise<Candidates> {
  const [queries, documents] = [
    await encodeRows(towers.query, part),
    await encodeRows(towers.document, world.documents),
  ];
  const ranked = await denseIndex(documents, { threads: 1 }).search(queries, depth);
  const positives = part.intents.map((intent) => world.labelled[intent]!);
  const positiveScores = Float32Array.from(positives, (document, query) => {
    let sum = 0;
    for (let i = 0; i < 32; i++) sum += queries.data[query * 32 + i]! * documents.data[document * 32 + i]!;
    return sum;
  });
  return { ...ranked, positiveScores, positives };
}

/** One query's candidates without its labelled document, best first. */
export function negativesOf(candidates: Candidates, query: number): { document: number; score: number }[] {
  const { documents, scores, width, positives } = candidates;
  return Array.from({ length: width }, (_, rank) => query * width + rank).flatMap((at) =>
    documents[at] === positives[query] ? [] : [{ document: documents[at]!, score: scores[at]! }],
  );
}

export interface RetrievalQuality {
  /** All documents of the query's intent count as relevant. */
  "nDCG@10": number;
  /** The labelled document alone counts. */
  "MRR@10": number;
}

/** How well the towers find a part's documents, mean over its queries. */
export async function qualityOf(
  towers: Towers,
  world: LatentIntentWorld,
  part: IntentRows,
): Promise<RetrievalQuality> {
  const { documents, width } = await candidatesOf(towers, world, part, 10);
  const rankings = Array.from({ length: part.count }, (_, q) =>
    documents.subarray(q * width, (q + 1) * width),
  );
  const judged = (relevant: (intent: number) => readonly number[]) =>
    Array.from(part.intents, (intent) => new Map(relevant(intent).map((document) => [document, 1])));
  const mean = (scores: Float64Array) => scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return {
    "nDCG@10": mean(
      evaluateRankings(
        rankings,
        judged((intent) => world.relevant[intent]!),
      )["nDCG@10"],
    ),
    "MRR@10": mean(
      evaluateRankings(
        rankings,
        judged((intent) => [world.labelled[intent]!]),
      )["MRR@10"],
    ),
  };
}

/** Share of a miner's negatives that are relevant: false negatives. */
export function falseNegativeRate(
  world: LatentIntentWorld,
  mined: Iterable<{ query: number; documents: ArrayLike<number> }>,
): number {
  let wrong = 0;
  let all = 0;
  for (const { query, documents } of mined)
    for (let i = 0; i < documents.length; i++) {
      all++;
      if (world.documents.intents[documents[i]!] === world.train.intents[query]) wrong++;
    }
  return all === 0 ? 0 : wrong / all;
}

/** Towers after the first phase, in-batch negatives alone: the same for all arms of a seed, so trained once. */
export const warmTowers = remember(
  ({
    seed,
    topics,
    steps,
    learningRate = 3e-3,
  }: {
    seed: number;
    topics: number;
    steps: number;
    learningRate?: number;
  }) => trainTowers({ world: world(seed, topics), seed, steps, learningRate }),
);
