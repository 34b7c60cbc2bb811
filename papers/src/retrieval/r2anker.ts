import {
  add,
  compile,
  expandDims,
  fromData,
  matmul,
  multiply,
  reshape,
  squeeze,
  type Tensor,
  valueAndGrad,
  values,
} from "nearmiss";
import { type IntentRows, LATENT_FEATURES } from "nearmiss/data";
import { listOverlap } from "nearmiss/diagnostics";
import { l2Normalize, softmaxCrossEntropy } from "nearmiss/losses";
import { mixtureProbabilities, mixtureSample } from "nearmiss/negatives";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { evaluateRankings, interactionRanker } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  candidatesOf,
  encodeRows,
  falseNegativeRate,
  negativesOf,
  type Towers,
  trainTowers,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 23,
  slug: "r2anker",
  title: "Towards Robust Ranker for Text Retrieval",
  year: 2022,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2206.08063",
  link: "https://arxiv.org/abs/2206.08063",
  summary:
    "A cross-encoder reranker is trained with a list loss on one positive and several hard negatives drawn jointly from the top lists of different retrievers, lexical and dense. A document that several retrievers return is proportionally more likely to be drawn. The resulting ranker can also be distilled into a bi-encoder.",
  claim:
    "Negatives sampled jointly from several retrievers train a better and more robust reranker than negatives of any single one, in MRR@10 and nDCG@10 when reranking BM25, dense and unseen retrievers. The argument is that another retriever's negatives act as out-of-distribution label noise, and that mixing them approximates the ranker's own hard negatives.",
  formula: String.raw`\mathcal L=-\log\frac{e^{h(q,d^+)}}{e^{h(q,d^+)}+\sum_{i=1}^ne^{h(q,d_i^-)}},\qquad d_i^-\sim\frac1M\sum_{j=1}^MP_j(d\mid q)`,
  exports: [
    "negatives/mixture: mixtureSample",
    "negatives/mixture: mixtureProbabilities",
    "retrieval/cross-encoder: interactionRanker",
    "losses/classification: softmaxCrossEntropy",
    "diagnostics/retrieval: listOverlap",
  ],
  notes: [
    "The list loss is softmax cross-entropy over a positive and its negatives, with the positive in column 0.",
    "There is no lexical retriever in a world of vectors; a retriever after only 60 steps of training, which knows topics better than intents, stands for it. The others are trained on the same labels: one with in-batch negatives, one further with its own hard negatives, and one, with other initial weights, that no ranker is trained on.",
    "Every list has the same depth, so that negatives of the mixture are of the same ranks as those of a single retriever. The arm matched takes a third of the depth of each, so that its pool is no larger than theirs, but its ranks are higher.",
    "The ranker is a network on the interactions of two towers' vectors, which start as a trained retriever's and learn along; the cosine over 0.05 is added to its score, so that all arms start from that retriever's order.",
    "Distance to the ranker is measured before training: half the sum of |P(d) - S(d)| over the pool of all three lists, S being softmax of the scores that the ranker starts with, a query at a time.",
    "At default scale the mixture and each single retriever train rankers of equal quality, within 0.01 of nDCG@10, and all of them better ones than random negatives do (0.86 against 0.83). That the mixture lies closer to the ranker's own negatives holds.",
  ],
};

const NEGATIVES = 15;

/** The lists that an arm draws from; none draws from all documents. */
const arms: Record<string, { about: string; sources: Retriever[]; matched?: boolean }> = {
  mixture: { about: "drawn jointly from three retrievers", sources: ["weak", "inBatch", "hard"] },
  matched: {
    about: "the same from lists of a third of the depth",
    sources: ["weak", "inBatch", "hard"],
    matched: true,
  },
  weak: { about: "drawn from the weak retriever", sources: ["weak"] },
  inBatch: { about: "drawn from the retriever trained on in-batch negatives", sources: ["inBatch"] },
  hard: { about: "drawn from the retriever trained on hard negatives", sources: ["hard"] },
  random: { about: "drawn from all documents", sources: [] },
};

type Retriever = "weak" | "inBatch" | "hard" | "unseen";
const SOURCES = ["weak", "inBatch", "hard"] as const;
const TESTED: Retriever[] = [...SOURCES, "unseen"];

interface Settings {
  topics: number;
  /** Steps of the retrievers' first phase. */
  warmSteps: number;
  /** Steps of the ranker. */
  steps: number;
  /** Queries in a step of the ranker. */
  batchSize: number;
  /** Documents of a list: what negatives are drawn from, and what is ranked anew. */
  depth: number;
  learningRates: number[];
}

const compare = (metric: string, better: "higher" | "lower") =>
  SOURCES.map((baseline) => ({ metric, method: "mixture", baseline, better }));
const RULE =
  "paired by seed. Supports if the 95 % interval of the gain lies above 0 against each single retriever's negatives, contradicts if below against one, else inconclusive.";

export const study = defineStudy<Settings>({
  arms: Object.fromEntries(Object.entries(arms).map(([name, { about }]) => [name, about])),
  scales: {
    smoke: { topics: 6, warmSteps: 4, steps: 3, batchSize: 8, depth: 50, learningRates: [1e-3], seeds: 2 },
    default: {
      topics: 60,
      warmSteps: 200,
      steps: 150,
      batchSize: 32,
      depth: 50,
      learningRates: [3e-4, 1e-3],
      seeds: 5,
    },
    full: {
      topics: 200,
      warmSteps: 600,
      steps: 1000,
      batchSize: 32,
      depth: 100,
      learningRates: [1e-4, 3e-4, 1e-3],
      seeds: 10,
    },
  },
  metrics: {
    "nDCG@10": "of test queries after ranking anew each retriever's list, mean over the four retrievers",
    "lowest nDCG@10": "the least over the four retrievers",
    "MRR@10": "the labelled document alone relevant, mean over the four retrievers",
    ...Object.fromEntries(TESTED.map((name) => [`nDCG@10, ${name}`, `ranking the list of ${name} anew`])),
    "false negatives": "share of the drawn negatives that are relevant",
    overlap:
      "share of a list that another of the arm's lists holds too, mean over pairs; 1 for a single list",
    "distance to ranker":
      "total variation between the arm's negatives and the untrained ranker's own, 0 to 1",
  },
  curves: { "training loss": { x: "step", y: "softmax over the list, nats" } },
  claims: [
    {
      id: "better",
      statement: "Negatives of several retrievers train a better ranker than those of any single one.",
      rule: `nDCG@10, mean over retrievers, ${RULE}`,
      comparisons: compare("nDCG@10", "higher"),
    },
    {
      id: "robust",
      statement: "The same holds for the retriever on which each ranker does worst.",
      rule: `Lowest nDCG@10 over retrievers, ${RULE}`,
      comparisons: compare("lowest nDCG@10", "higher"),
    },
    {
      id: "argument",
      statement: "The mixture lies closer to the ranker's own hard negatives than any single list.",
      rule: `Distance to ranker, lower being better, ${RULE}`,
      comparisons: compare("distance to ranker", "lower"),
    },
  ],
  distance:
    "The paper trains ERNIE and DeBERTa rankers on MS MARCO with lists of BM25, dense and learned sparse retrievers; here a ranker of 33,000 weights and retrievers of 25,000 learn 600 made-up intents.",
  async run({ arm, seed, settings, report, signal }) {
    const rate = await chooseOnce(["r2anker", arm, settings], settings.learningRates, async (candidate) => {
      const ranker = await train(arm, settings, candidate, TUNING_SEED, signal);
      return (await judged(ranker, TUNING_SEED, settings, "development"))["nDCG@10"]!;
    });
    const ranker = await train(arm, settings, rate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 5 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    return {
      ...(await judged(ranker, seed, settings, "test")),
      ...(await described(arm, seed, settings)),
    };
  },
});

/** The four retrievers of a seed; each has initial weights and batches of its own. */
const retrievers = remember(async (seed: number, { topics, warmSteps, depth }: Settings) => {
  const data = world(seed, topics);
  const trained = (name: string, steps: number) =>
    trainTowers({
      world: data,
      seed: random(seed)
        .split(name)
        .integer(0, 2 ** 31),
      steps,
      learningRate: 3e-3,
    });
  const weak = await trained("weak", Math.ceil(warmSteps / 5));
  const inBatch = await trained("in-batch", warmSteps);
  const unseen = await trained("unseen", warmSteps);
  const first = await trained("hard", warmSteps);
  const mined = await candidatesOf(first, data, data.train, depth);
  const hard = await trainTowers({
    world: data,
    seed,
    steps: Math.ceil(warmSteps / 3),
    learningRate: 1e-3,
    from: first,
    negatives: (query, draw) =>
      draw
        .shuffle(negativesOf(mined, query))
        .slice(0, 2)
        .map(({ document }) => document),
  });
  return { weak, inBatch, hard, unseen };
}, 2);

/** What each retriever finds for a part's queries. */
const lists = remember(async (seed: number, settings: Settings, part: "train" | "development" | "test") => {
  const data = world(seed, settings.topics);
  const found = await retrievers(seed, settings);
  const searched = async (towers: Towers) => candidatesOf(towers, data, data[part], settings.depth);
  return {
    weak: await searched(found.weak),
    inBatch: await searched(found.inBatch),
    hard: await searched(found.hard),
    unseen: await searched(found.unseen),
  };
}, 4);

/** An arm's lists for a training query, without its labelled document. */
async function poolsOf(
  arm: string,
  seed: number,
  settings: Settings,
): Promise<(query: number) => number[][]> {
  const { sources, matched = false } = arms[arm]!;
  const { documents, labelled, train: queries } = world(seed, settings.topics);
  const all = Array.from({ length: documents.count }, (_, document) => document);
  if (sources.length === 0)
    return (query) => [all.filter((document) => document !== labelled[queries.intents[query]!])];
  const found = await lists(seed, settings, "train");
  const depth = matched ? Math.ceil(settings.depth / sources.length) : settings.depth;
  return (query) =>
    sources.map((source) =>
      negativesOf(found[source], query)
        .slice(0, depth)
        .map(({ document }) => document),
    );
}

const tower = mlp([LATENT_FEATURES, 128, 32]);
const interactions = interactionRanker({ width: 32 });
interface Ranker extends Towers {
  head: ReturnType<typeof interactions.init>;
}

/** Scores [n, k] of queries [n, features] and candidates [n, k, features]. */
function scoresOf(ranker: Ranker, queries: Tensor, candidates: Tensor): Tensor {
  const [n, k] = candidates.shape as [number, number];
  const q = l2Normalize(tower.apply(ranker.query, queries));
  const rows = tower.apply(ranker.document, reshape(candidates, [n * k, LATENT_FEATURES]));
  const d = reshape(l2Normalize(rows), [n, k, 32]);
  const cosines = squeeze(matmul(d, expandDims(q, 2)), 2);
  return add(multiply(cosines, 20), interactions.apply(ranker.head, q, d));
}

/** The towers that all rankers of a seed begin with. */
const startOf = (seed: number, { topics, warmSteps }: Settings) =>
  warmTowers({ seed, topics, steps: warmSteps });

async function train(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<Ranker> {
  const { train: queries, documents, labelled } = world(seed, settings.topics);
  const pools = await poolsOf(arm, seed, settings);
  const root = random(seed).split("ranker");
  const optimizer = adam({ learningRate });
  let state = optimizer.init({
    ...(await startOf(seed, settings)),
    head: interactions.init(root.split("weights")),
  } as Ranker);
  const step = compile(
    (now: typeof state, q: Tensor, d: Tensor, labels: Tensor) => {
      const [loss, gradients] = valueAndGrad((ranker: Ranker) =>
        softmaxCrossEntropy(scoresOf(ranker, q, d), labels),
      )(now.params);
      return { state: optimizer.update(now, gradients), loss };
    },
    { threads: 1 },
  );
  for (let i = 0; i < settings.steps; i++) {
    signal.throwIfAborted();
    const draw = root.split("batches").split(i);
    const batch = Array.from(draw.sample(queries.count, settings.batchSize));
    const candidates = batch.map((query) => [
      labelled[queries.intents[query]!]!,
      ...mixtureSample(pools(query), NEGATIVES, draw.split(query)),
    ]);
    const result = await step(
      state,
      rowsOf(queries, batch),
      reshapedRows(documents, candidates),
      fromData(new Int32Array(batch.length), [batch.length]),
    );
    state = result.state;
    onStep?.(i + 1, values(result.loss)[0]!);
  }
  return state.params;
}

function rowsOf(
  { features }: IntentRows,
  rows: readonly number[],
  shape = [rows.length, LATENT_FEATURES],
): Tensor {
  const data = new Float32Array(rows.length * LATENT_FEATURES);
  rows.forEach((row, i) => {
    data.set(features.subarray(row * LATENT_FEATURES, (row + 1) * LATENT_FEATURES), i * LATENT_FEATURES);
  });
  return fromData(data, shape);
}

const reshapedRows = (documents: IntentRows, candidates: number[][]): Tensor =>
  rowsOf(documents, candidates.flat(), [candidates.length, candidates[0]!.length, LATENT_FEATURES]);

/** Ranks every retriever's lists anew. */
async function judged(
  ranker: Ranker,
  seed: number,
  settings: Settings,
  part: "development" | "test",
): Promise<Record<string, number>> {
  const data = world(seed, settings.topics);
  const queries = data[part];
  const found = await lists(seed, settings, part);
  // Vectors are made once and not for each list: only the head sees pairs.
  const q = await encodeRows(ranker.query, queries);
  const d = await encodeRows(ranker.document, data.documents);
  const score = compile(
    (head: Ranker["head"], a: Tensor, b: Tensor) =>
      add(multiply(squeeze(matmul(b, expandDims(a, 2)), 2), 20), interactions.apply(head, a, b)),
    { threads: 1 },
  );
  const relevant = (of: (intent: number) => readonly number[]) =>
    Array.from(queries.intents, (intent) => new Map(of(intent).map((document) => [document, 1])));
  const mean = (x: ArrayLike<number>) => Array.from(x).reduce((total, each) => total + each, 0) / x.length;
  const metrics: Record<string, number> = {};
  const reciprocal: number[] = [];
  for (const name of TESTED) {
    const { documents, width } = found[name];
    const vectors = new Float32Array(documents.length * 32);
    documents.forEach((document, i) => {
      vectors.set(d.data.subarray(document * 32, (document + 1) * 32), i * 32);
    });
    const scores = values(
      await score(
        ranker.head,
        fromData(q.data, [queries.count, 32]),
        fromData(vectors, [queries.count, width, 32]),
      ),
    );
    const rankings = Array.from({ length: queries.count }, (_, query) =>
      Array.from({ length: width }, (_, i) => query * width + i)
        .sort((a, b) => scores[b]! - scores[a]! || a - b)
        .map((at) => documents[at]!),
    );
    metrics[`nDCG@10, ${name}`] = mean(
      evaluateRankings(
        rankings,
        relevant((intent) => data.relevant[intent]!),
      )["nDCG@10"],
    );
    reciprocal.push(
      mean(
        evaluateRankings(
          rankings,
          relevant((intent) => [data.labelled[intent]!]),
        )["MRR@10"],
      ),
    );
  }
  const gains = Object.values(metrics);
  return {
    "nDCG@10": mean(gains),
    "lowest nDCG@10": Math.min(...gains),
    "MRR@10": mean(reciprocal),
    ...metrics,
  };
}

/** What an arm's negatives are like, before the ranker is trained. */
async function described(arm: string, seed: number, settings: Settings): Promise<Record<string, number>> {
  const data = world(seed, settings.topics);
  const pools = await poolsOf(arm, seed, settings);
  const whole = await poolsOf("mixture", seed, settings);
  const towers = await startOf(seed, settings);
  const [q, d] = [
    await encodeRows(towers.query, data.train),
    await encodeRows(towers.document, data.documents),
  ];
  const draw: Random = random(seed).split("described");
  // One query of each intent is enough to tell.
  const perIntent = data.train.count / data.labelled.length;
  const queries = Array.from(data.labelled, (_, intent) => intent * perIntent);
  const drawn = queries.map((query) => ({
    query,
    documents: mixtureSample(pools(query), NEGATIVES, draw.split(query)),
  }));
  let distance = 0;
  for (const query of queries) {
    const own = mixtureProbabilities(pools(query));
    const pool = [...mixtureProbabilities(whole(query)).keys()];
    const weights = pool.map((document) => {
      let cosine = 0;
      for (let i = 0; i < 32; i++) cosine += q.data[query * 32 + i]! * d.data[document * 32 + i]!;
      return Math.exp(20 * (cosine - 1));
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let [apart, inside] = [0, 0];
    pool.forEach((document, i) => {
      const p = own.get(document) ?? 0;
      inside += p;
      apart += Math.abs(p - weights[i]! / total);
    });
    // What the arm draws outside of the pool, the ranker's own distribution does not.
    distance += (apart + 1 - inside) / 2 / queries.length;
  }
  const names = arms[arm]!.sources;
  const pairs = names.flatMap((_, a) => names.flatMap((_, b) => (a === b ? [] : [[a, b] as const])));
  const overlaps = pairs.map(([a, b]) =>
    listOverlap(
      queries.map((query) => pools(query)[a]!),
      queries.map((query) => pools(query)[b]!),
    ),
  );
  return {
    "false negatives": falseNegativeRate(data, drawn),
    overlap: pairs.length === 0 ? 1 : overlaps.reduce((sum, share) => sum + share, 0) / pairs.length,
    "distance to ranker": distance,
  };
}
