import { concat, expandDims, greater, matmul, multiply, squeeze, sum, transpose, zeros } from "nearmiss";
import type { LatentIntentWorld } from "nearmiss/data";
import { hardTriplet } from "nearmiss/losses";
import { precisionAtK } from "nearmiss/metrics";
import { balancedClusters, clusterCurriculum, clusteredBatches, nearestNegatives } from "nearmiss/negatives";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  candidatesOf,
  encodeRows,
  type RetrievalLoss,
  type Towers,
  trainTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 64,
  slug: "ngame",
  title: "NGAME: Negative Mining-aware Mini-batching for Extreme Classification",
  year: 2022,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2207.04452",
  link: "https://arxiv.org/abs/2207.04452",
  code: "https://github.com/Extreme-classification/ngame",
  summary:
    "Composes mini-batches from clusters of similar queries, so that ordinary in-batch negatives become hard ones at little extra cost. At intervals all training queries are embedded and split by balanced hierarchical 2-means; a batch joins several random clusters, whose size grows by a curriculum. A siamese encoder learns with a triplet loss on its hardest in-batch negatives, and classifiers per label follow.",
  claim:
    "In extreme multi-label classification, clustered batches make siamese encoders converge sooner and reach a higher final precision@k than random batches with in-batch negatives. Precision is on a par with global hard-negative mining in the style of ANCE, which costs far more.",
  formula: String.raw`L=\operatorname*{mean}_{i,j}\ \ell_{ij}\,\operatorname{softmax}_j\!\big(s_{ij^-}\mathbf 1[\ell_{ij}>0]/0.1\big),\quad\ell_{ij}=[s_{ij^-}-s_i^++\gamma]_+`,
  exports: [
    "negatives/clustered-batches: balancedClusters",
    "negatives/clustered-batches: clusteredBatches",
    "negatives/clustered-batches: clusterCurriculum",
    "losses/triplet: hardTriplet",
    "metrics/ranking: precisionAtK",
    "metrics/propensity: inversePropensities",
    "metrics/propensity: propensityPrecisionAtK",
  ],
  notes: [
    "In the authors' code negatives that keep the margin enter the softmax of the weights with 0, which the formula says too; where a query has fewer than ten negatives in its batch, the code counts known positives among them, here they are left out.",
    "Labels are the documents of a query's intent, one to three, each shared by three training queries; for each query and epoch one of them is drawn, and none of the others counts as a negative. All labels are known, so that there are no false negatives.",
    "The curriculum is shortened to 12 epochs: clusters of one query in the first epoch, then 2, 4, 8 and 16 of a batch of 96, as against 512 of 1,600 in the paper; they are made anew in every epoch.",
    "The second stage, a classifier for each label, is not studied. Labels are equally frequent here, so propensity-scored precision, which the library has, would say the same as precision.",
    "The paper counts seconds; the study counts inner products, which repeat exactly.",
  ],
};
interface Settings {
  topics: number;
  epochs: number;
  batchSize: number;
  /** Epochs from which clusters are twice as large as before. */
  milestones: number[];
  /** Epochs between two looks at the encoder, for clusters and for global negatives. */
  every: number;
  learningRates: number[];
}

/** Hardest negatives of a query that count. */
const HARDEST = 10;

export const study = defineStudy<Settings>({
  arms: {
    ngame: "clusters of similar queries that grow by a curriculum",
    random: "random batches",
    global: "random batches, with each query's ten nearest wrong labels of all added",
    fixed: "clusters of the curriculum's last size from the first epoch on",
  },
  scales: {
    smoke: {
      topics: 8,
      epochs: 3,
      batchSize: 24,
      milestones: [1],
      every: 1,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      topics: 80,
      epochs: 12,
      batchSize: 96,
      milestones: [1, 2, 3, 4],
      every: 1,
      learningRates: [1e-3, 3e-3, 1e-2],
      seeds: 6,
    },
    full: {
      topics: 300,
      epochs: 60,
      batchSize: 240,
      milestones: [2, 4, 6, 10, 15, 20],
      every: 2,
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2],
      seeds: 10,
    },
  },
  metrics: {
    "P@1": "precision at 1 of test queries, all documents of a query's intent being its labels",
    "P@3": "precision at 3, likewise; queries with one or two labels cannot reach 1",
    "P@1 on the way": "of development queries, mean over the ends of all epochs",
    products:
      "inner products that finding hard negatives took, for each training query: against all labels, or against the centroids of each halving, ten rounds at most",
  },
  curves: {
    "P@1": { x: "epoch", y: "of development queries" },
    "training loss": { x: "step", y: "triplet loss" },
  },
  claims: [
    {
      id: "precision",
      statement: "Clustered batches end with a higher precision than random ones.",
      rule: "P@1 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "P@1", method: "ngame", baseline: "random", better: "higher" }],
    },
    {
      id: "convergence",
      statement: "They get there sooner: precision is higher on the way too.",
      rule: "P@1 on development queries, mean over epochs, paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "P@1 on the way", method: "ngame", baseline: "random", better: "higher" }],
    },
    {
      id: "as-good-as-global",
      statement:
        "Precision is on a par with that of hard negatives mined from all labels, which take more inner products to find.",
      rule: "P@1 on test queries and products, paired by seed. Supports if the 95 % interval of the gain in P@1 lies above -0.01 (one point may be lost) and fewer products are needed, contradicts if the interval of P@1 lies below -0.01 or as many products are needed, else inconclusive.",
      comparisons: [
        { metric: "P@1", method: "ngame", baseline: "global", better: "higher" },
        { metric: "products", method: "ngame", baseline: "global", better: "lower" },
      ],
      decide: ([precision, products]) =>
        precision!.high < -0.01 || products!.high <= 0
          ? "contradicts"
          : precision!.low > -0.01 && products!.low > 0
            ? "supports"
            : "inconclusive",
    },
  ],
  distance:
    "The paper trains a DistilBERT on sets with up to 85 million labels, in batches of 1,600 and over 300 epochs, and adds a classifier for each label; here two-layer towers of 25,000 weights match 2,400 queries with 1,600 labels in batches of 96 over 12 epochs, without classifiers.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(
      ["ngame", arm, settings],
      settings.learningRates,
      async (learningRate) => {
        const { towers } = await train(arm, settings, learningRate, TUNING_SEED, signal);
        const data = world(TUNING_SEED, settings.topics);
        return precision(towers, data, "development", 1);
      },
    );
    const data = world(seed, settings.topics);
    const onTheWay: number[] = [];
    const look = async (epoch: number, towers: Towers) => {
      onTheWay.push(await precision(towers, data, "development", 1));
      report.point("P@1", epoch, onTheWay.at(-1)!);
    };
    const { towers, products } = await train(arm, settings, learningRate, seed, signal, {
      look,
      step: (step, steps, loss) => {
        report.progress(step / steps);
        if (step % 10 === 0 || step === steps) report.point("training loss", step, loss);
      },
    });
    return {
      "P@1": await precision(towers, data, "test", 1),
      "P@3": await precision(towers, data, "test", 3),
      "P@1 on the way": onTheWay.reduce((sum, value) => sum + value, 0) / onTheWay.length,
      products,
    };
  },
});

async function precision(
  towers: Towers,
  data: LatentIntentWorld,
  part: "development" | "test",
  k: number,
): Promise<number> {
  const { documents, width } = await candidatesOf(towers, data, data[part], k);
  const scores = Array.from(data[part].intents, (intent, query) =>
    precisionAtK(
      {
        documents: documents.subarray(query * width, (query + 1) * width),
        grades: new Map(data.relevant[intent]!.map((document) => [document, 1])),
      },
      k,
    ),
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

interface Watch {
  look: (epoch: number, towers: Towers) => Promise<void>;
  step: (step: number, steps: number, loss: number) => void;
}

/** Batches of an epoch with a label drawn for each query, and how they are made. */
async function train(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  on?: Watch,
): Promise<{ towers: Towers; products: number }> {
  const { topics, epochs, batchSize, milestones, every } = settings;
  const data = world(seed, topics);
  const { train } = data;
  const relevant = Array.from(train.intents, (intent) => data.relevant[intent]!);
  const perEpoch = Math.floor(train.count / batchSize);
  const root = random(seed).split("ngame");
  let products = 0;
  let clusters: Int32Array[] = Array.from({ length: train.count }, (_, query) => Int32Array.of(query));
  let nearest: Int32Array[] = [];
  let batches: number[][] = [];
  let labels = new Map<number, number>();

  const mine = async (towers: Towers, epoch: number) => {
    const draw = root.split(epoch);
    if (arm === "global" && epoch % every === 0) {
      nearest = await nearestNegatives(
        await encodeRows(towers.query, train),
        await encodeRows(towers.document, data.documents),
        relevant,
        { depth: HARDEST + MOST_LABELS, threads: 1 },
      );
      products += data.documents.count;
    }
    const size = clusterCurriculum(arm === "fixed" ? epochs : epoch, milestones);
    if (
      (arm === "ngame" || arm === "fixed") &&
      size > 1 &&
      (epoch % every === 0 || milestones.includes(epoch))
    ) {
      const queries = await encodeRows(towers.query, train);
      clusters = balancedClusters(queries, { size, random: draw.split("clusters") });
      products += 10 * Math.log2(clusters.length);
    }
    batches = clusteredBatches(clusters, { size: batchSize, random: draw.split("batches") });
  };
  const towers = await trainTowers({
    world: data,
    seed,
    steps: epochs * perEpoch,
    learningRate,
    refresh: {
      every: perEpoch,
      async mine(towers, step) {
        const epoch = step / perEpoch;
        if (epoch > 0) await on?.look(epoch, towers);
        await mine(towers, epoch);
      },
    },
    batches(step, draw) {
      const batch = batches[step % perEpoch]!;
      labels = new Map(batch.map((query) => [query, draw.choice(relevant[query]!)]));
      return batch;
    },
    positive: (query) => labels.get(query)!,
    // Which of the batch's labels, one a query in its order, apply to the query.
    extra: (query) => Array.from(labels.values(), (label) => Number(relevant[query]!.includes(label))),
    ...(arm === "global" && { negatives: (query: number) => nearest[query]!.subarray(0, HARDEST) }),
    loss: triplet,
    signal,
    onStep: (step, steps, loss) => on?.step(step, steps, loss),
  });
  await on?.look(epochs, towers);
  return { towers, products };
}

/** Of a query, in this world. */
const MOST_LABELS = 3;

/** The paper's settings: margin 0.3, the ten hardest negatives, weights at temperature 0.1. */
const triplet: RetrievalLoss = ({ queries, positives, negatives, extra }) => {
  const positive = sum(multiply(queries, positives), { axis: 1 });
  const inBatch = matmul(queries, transpose(positives));
  const relevant = greater(extra!, 0.5);
  if (!negatives) return hardTriplet(positive, inBatch, relevant, { count: HARDEST });
  const own = squeeze(matmul(negatives, expandDims(queries, 2)), 2);
  const none = greater(zeros(own.shape), 0.5);
  return hardTriplet(positive, concat([inBatch, own], 1), concat([relevant, none], 1), { count: HARDEST });
};
