import {
  identityMatrix,
  matmul,
  max,
  multiply,
  squeeze,
  subtract,
  sum,
  type Tensor,
  transpose,
} from "nearmiss";
import { listOverlap, pairGradientNorms } from "nearmiss/diagnostics";
import { pairwiseNLL, starLoss } from "nearmiss/losses";
import { nearestNegatives } from "nearmiss/negatives";
import { type Random, random } from "nearmiss/random";
import { bm25Index, rowsOf, search, type Vectors } from "nearmiss/retrieval";
import { median } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  type BagEncoder,
  type CardSizes,
  cardQuality,
  documentsOf,
  encodeBags,
  type HiddenCards,
  hiddenCards,
  labelledOf,
  trainBags,
} from "../tasks/hidden-cards.ts";
import type { RetrievalLoss } from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 78,
  slug: "ance",
  title: "Approximate Nearest Neighbor Negative Contrastive Learning for Dense Text Retrieval",
  year: 2020,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2007.00808",
  link: "https://arxiv.org/abs/2007.00808",
  code: "https://github.com/microsoft/ANCE",
  summary:
    "Takes negatives for dense retrieval from the entire corpus, namely the nearest neighbours under the current model. During training the documents are re-encoded at intervals and the index is rebuilt; each query then samples negatives from its current top 200, with known positives left out. Training warms up on BM25 negatives and uses a pairwise logistic loss.",
  claim:
    "Random and in-batch negatives soon carry almost no gradient, whereas negatives from a refreshed corpus-wide index stay informative and match what the model meets at test time. Training on them yields higher MRR@10 and recall than random, in-batch, static BM25 or hardest-in-batch negatives.",
  formula: String.raw`\ell=-\log\frac{e^{s(q,d^+)}}{e^{s(q,d^+)}+e^{s(q,d^-)}},\quad d^-\sim\operatorname{Unif}\big(\operatorname{ANN}_{200}(q)\setminus D^+\big)`,
  exports: [
    "negatives/refresh: nearestNegatives",
    "negatives/refresh: refreshed",
    "losses/retrieval: pairwiseNLL",
    "diagnostics/retrieval: pairGradientNorms",
    "diagnostics/retrieval: listOverlap",
    "retrieval/dense-index: denseIndex",
  ],
  notes: [
    "As in the paper, all arms go on from one encoder that was first trained on BM25 negatives, and each step compares a query's positive with one negative; the in-batch arm compares it with the positives of all other queries.",
    "The paper scores by inner products; here texts are vectors of length 1 and cosines are divided by a temperature of 0.05. Search is exact, and training waits while the index is rebuilt, where the authors' code encodes in a second process and trains on an older index meanwhile.",
    "The authors' code draws 20 of a query's top 200 at each refresh and cycles through them; here each step draws anew from all of the top 200.",
    "Each query has a second relevant card that is not labelled, so that the top of the list holds false negatives, as it does in MS MARCO.",
    "The gradient norm is that of a pair's loss in its three vectors, after training; in-batch negatives are measured one by one, as random positives of other queries.",
  ],
};

interface Settings {
  sizes: CardSizes;
  warmSteps: number;
  steps: number;
  /** Steps between two refreshes of the index. */
  every: number;
  /** Documents that negatives are drawn from. */
  depth: number;
  learningRates: number[];
}

const TEMPERATURE = 0.05;
const BATCH = 32;
const baselines = ["random", "inBatch", "hardestInBatch", "bm25"];

const score = (queries: Tensor, documents: Tensor) =>
  multiply(sum(multiply(queries, documents), { axis: 1 }), 1 / TEMPERATURE);

/** One own negative a query. */
const ownNegative: RetrievalLoss = ({ queries, positives, negatives }) =>
  pairwiseNLL(score(queries, positives), score(queries, squeeze(negatives!, 1)));

const inBatch: RetrievalLoss = ({ queries, positives }) =>
  starLoss(queries, positives, undefined, { temperature: TEMPERATURE });

const hardestInBatch: RetrievalLoss = ({ queries, positives }) => {
  const n = queries.shape[0]!;
  const scores = multiply(matmul(queries, transpose(positives)), 1 / TEMPERATURE);
  return pairwiseNLL(
    score(queries, positives),
    max(subtract(scores, multiply(identityMatrix(n), 1e6)), { axis: 1 }),
  );
};

export const study = defineStudy<Settings>({
  arms: {
    ance: "one of the present nearest documents, the index refreshed during training",
    random: "one random document",
    inBatch: "the positives of all other queries of the batch",
    hardestInBatch: "of these, the nearest to the query",
    bm25: "one of the best documents by BM25, mined once",
  },
  scales: {
    smoke: {
      sizes: { train: 60, development: 20, test: 20 },
      warmSteps: 4,
      steps: 4,
      every: 2,
      depth: 20,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      sizes: { train: 1500, development: 300, test: 500 },
      warmSteps: 100,
      steps: 300,
      every: 50,
      depth: 200,
      learningRates: [3e-3, 1e-2, 3e-2],
      seeds: 5,
    },
    full: {
      sizes: { train: 6000, development: 500, test: 1000 },
      warmSteps: 300,
      steps: 2000,
      every: 100,
      depth: 200,
      learningRates: [1e-3, 3e-3, 1e-2],
      seeds: 8,
    },
  },
  metrics: {
    "MRR@10": "of test queries among the cards of all parts, the labelled card alone relevant",
    "nDCG@10": "the same with the hidden card relevant as well",
    "log10 gradient norm":
      "decimal logarithm of the median length of the gradient that one of the arm's pairs sends to its three vectors, after training",
    overlap: "share of the arm's negatives that stand in the trained encoder's own top 100",
  },
  curves: {
    "training loss": { x: "step", y: "the arm's loss, nats" },
    "gradient norm": { x: "step", y: "log10 of the median over pairs" },
  },
  claims: [
    {
      id: "retrieval",
      statement:
        "Negatives from the refreshed index train a better retriever than random, in-batch, hardest in-batch and static BM25 negatives.",
      rule: "MRR@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0 against all four, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: baselines.map((baseline) => ({
        metric: "MRR@10",
        method: "ance",
        baseline,
        better: "higher",
      })),
    },
    {
      id: "gradients",
      statement:
        "Random and in-batch negatives end up with almost no gradient, those of the refreshed index with at least three times as much.",
      rule: "The difference of log10 of the median gradient norm, paired by seed. Supports if the 95 % interval lies above log10 3 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: ["random", "inBatch"].map((baseline) => ({
        metric: "log10 gradient norm",
        method: "ance",
        baseline,
        better: "higher",
      })),
      decide: (effects) =>
        effects.every(({ low }) => low > Math.log10(3))
          ? "supports"
          : effects.some(({ high }) => high < 0)
            ? "contradicts"
            : "inconclusive",
    },
  ],
  distance:
    "The paper trains RoBERTa base on 500,000 queries of MS MARCO with 8.8 million passages, refreshing the index every 10,000 batches in a second process; here a bag of words and letters of a million weights learns from 1,500 definitions with 3,000 cards, refreshed every 50 steps, while training waits.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(
      ["ance", arm, settings],
      settings.learningRates,
      async (learningRate) => {
        const { rows } = await train(arm, settings, learningRate, TUNING_SEED, signal);
        return (await cardQuality(rows, hiddenCards(TUNING_SEED, settings.sizes), "development"))["MRR@10"];
      },
    );
    const { rows, sampler } = await train(arm, settings, learningRate, seed, signal, {
      step: (step, loss) => {
        report.progress(step / settings.steps);
        if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
      },
      norm: (step, value) => report.point("gradient norm", step, value),
    });
    const cards = hiddenCards(seed, settings.sizes);
    const draw = random(seed).split("after training");
    const encoded = encodeTraining(rows, cards);
    const queries = Array.from({ length: cards.parts.train[1] }, (_, query) => query);
    const top = await nearest(encoded, 100);
    return {
      ...(await cardQuality(rows, cards, "test")),
      "log10 gradient norm": gradientNorm(sampler, encoded, queries, draw),
      overlap: listOverlap(
        queries.map((query) => [sampler(query, draw, encoded)]),
        top,
      ),
    };
  },
});

interface Encoded {
  queries: Vectors;
  documents: Vectors;
}

/** Vectors of the training queries and cards. */
const encodeTraining = (rows: BagEncoder, { features, parts }: HiddenCards): Encoded => ({
  queries: encodeBags(rows, features.queries.slice(...parts.train)),
  documents: encodeBags(rows, features.documents.slice(0, 2 * parts.train[1])),
});

/** A negative of a training query, as the arm draws it. */
type Sampler = (query: number, draw: Random, encoded: Encoded | undefined) => number;

/** The nearest training cards of each training query, without its labelled one. */
const nearest = ({ queries, documents }: Encoded, depth: number): Promise<Int32Array[]> =>
  nearestNegatives(
    queries,
    documents,
    Array.from({ length: queries.count }, (_, query) => [labelledOf(query)]),
    { depth, threads: 1 },
  );

const randomCard =
  (cards: HiddenCards): Sampler =>
  (query, draw) => {
    // One of all training cards but the labelled one.
    const card = draw.integer(0, 2 * cards.parts.train[1] - 1);
    return card >= labelledOf(query) ? card + 1 : card;
  };

/** The best training cards by BM25, without the labelled one; where a query shares no word, a random one. */
const bm25Sampler = remember((seed: number, sizes: CardSizes): Sampler => {
  const cards = hiddenCards(seed, sizes);
  const [from, to] = documentsOf(cards, "train");
  const index = bm25Index(cards.documents.slice(from, to));
  const lists = cards.queries.slice(0, cards.parts.train[1]).map((query, i) =>
    search(index, query, 100)
      .map(({ document }) => document)
      .filter((document) => document !== labelledOf(i)),
  );
  const otherwise = randomCard(cards);
  return (query, draw, encoded) =>
    lists[query]!.length > 0 ? draw.choice(lists[query]!) : otherwise(query, draw, encoded);
});

/** The encoder after a first phase on BM25 negatives, from which all arms go on. */
const warm = remember((seed: number, sizes: CardSizes, steps: number) => {
  const sampler = bm25Sampler(seed, sizes);
  return trainBags({
    cards: hiddenCards(seed, sizes),
    seed,
    steps,
    learningRate: 1e-2,
    batchSize: BATCH,
    negatives: (query, draw) => [sampler(query, draw, undefined)],
    loss: ownNegative,
  });
});

async function train(
  arm: string,
  { sizes, warmSteps, steps, every, depth }: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  on?: { step: (step: number, loss: number) => void; norm: (step: number, value: number) => void },
) {
  const cards = hiddenCards(seed, sizes);
  const count = cards.parts.train[1];
  const queries = Array.from({ length: count }, (_, query) => query);
  let lists: Int32Array[] = [];
  const others = (query: number, draw: Random) =>
    Array.from(draw.sample(count - 1, Math.min(BATCH - 1, count - 1)), (other) =>
      labelledOf(other >= query ? other + 1 : other),
    );
  const samplers: Record<string, Sampler> = {
    ance: (query, draw) => draw.choice(lists[query]!),
    random: randomCard(cards),
    inBatch: (query, draw) => others(query, draw)[0]!,
    hardestInBatch: (query, draw, encoded) => {
      const cosine = (document: number) => dot(encoded!.queries, query, encoded!.documents, document);
      return others(query, draw).reduce((best, other) => (cosine(other) > cosine(best) ? other : best));
    },
    bm25: bm25Sampler(seed, sizes),
  };
  const sampler = samplers[arm]!;
  const own = arm !== "inBatch" && arm !== "hardestInBatch";
  const rows = await trainBags({
    cards,
    seed,
    steps,
    learningRate,
    from: await warm(seed, sizes, warmSteps),
    batchSize: BATCH,
    ...(own && { negatives: (query: number, draw: Random) => [sampler(query, draw, undefined)] }),
    loss: own ? ownNegative : arm === "inBatch" ? inBatch : hardestInBatch,
    refresh: {
      every,
      async mine(rows, step) {
        // Encoding everything takes as long as 30 steps: where no index needs it, it is done twice only.
        const watched = on && step % (3 * every) === 0;
        if (arm !== "ance" && !watched) return;
        const encoded = encodeTraining(rows, cards);
        if (arm === "ance") lists = await nearest(encoded, depth);
        if (!watched) return;
        const draw = random(seed).split("gradient norms").split(step);
        on.norm(step, gradientNorm(sampler, encoded, queries, draw));
      },
    },
    signal,
    onStep: (step, _, loss) => on?.step(step, loss),
  });
  return { rows, sampler };
}

/** log10 of the median over training queries of what a pair with a negative of the sampler carries. */
function gradientNorm(sampler: Sampler, encoded: Encoded, queries: number[], draw: Random): number {
  const norms = pairGradientNorms(
    rowsOf(encoded.queries, queries),
    rowsOf(encoded.documents, queries.map(labelledOf)),
    rowsOf(
      encoded.documents,
      queries.map((query) => sampler(query, draw, encoded)),
    ),
    { temperature: TEMPERATURE },
  );
  return Math.log10(median(norms));
}

function dot(a: Vectors, i: number, b: Vectors, j: number): number {
  let sum = 0;
  for (let k = 0; k < a.width; k++) sum += a.data[i * a.width + k]! * b.data[j * b.width + k]!;
  return sum;
}
