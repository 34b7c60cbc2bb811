import { add, mean, multiply, reshape, slice, squeeze, subtract, sum } from "nearmiss";
import { LATENT_FEATURES } from "nearmiss/data";
import { cosent } from "nearmiss/losses";
import { spearman } from "nearmiss/metrics";
import { dynamicNegatives, replaceEasyNegatives, selectNegatives } from "nearmiss/negatives";
import { type Random, random } from "nearmiss/random";
import type { Vectors } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  candidatesOf,
  encodeRows,
  falseNegativeRate,
  negativesOf,
  qualityOf,
  type RetrievalLoss,
  sharedInfoNCE,
  type Towers,
  trainTowers,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 29,
  slug: "conan-embedding",
  title: "Conan-embedding: General Text Embedding with More and Better Negative Samples",
  year: 2024,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2408.15710",
  link: "https://arxiv.org/abs/2408.15710",
  summary:
    "During training the mean score of a query's hard negatives is compared with its value at mining time every 100 steps, and negatives that have become easy are replaced by later candidates of the same list. Each step also adds a contrastive loss on a retrieval batch, with negatives shared over devices, to a ranking loss on a similarity batch. Both tasks thus enter every update.",
  claim:
    "Replacing hard negatives as soon as they have become easy improves retrieval nDCG@10 over negatives mined once. One balanced loss per step over a retrieval and a similarity task improves embeddings, including STS Spearman correlation, over alternating random task batches.",
  formula: String.raw`\text{replace if }\;1.15\,S_t<S_0\;\text{ and }\;|S_t|<0.8;\qquad \mathcal L=\mathcal L_{\text{InfoNCE}}+\beta\,\mathcal L_{\text{cos}}`,
  exports: [
    "negatives/dynamic: dynamicNegatives",
    "negatives/dynamic: replaceEasyNegatives",
    "losses/cosent: cosent",
    "losses/contrastive: infoNCE",
    "negatives/select: selectNegatives",
  ],
  notes: [
    "The published places of the replacements leave open where the first negatives stand and whether a query's negatives are judged together; here they are the first of the list, judged by their mean and replaced together, and a finer granularity is an option.",
    "Negatives are checked every 50 steps at the default scale, as training is 400 steps long; the paper checks every 100 of many thousands.",
    "A list holds the 60 best documents of the model before the second phase. A replacement moves down that list, so an arm with static negatives from the 11th place on shows what moving down alone does.",
    "Several devices are one batch here: a balanced step takes 32 queries and 32 pairs of the similarity task, a step of the random order 64 of one task, so that both train on equally many texts.",
    "The similarity task orders pairs of documents, half of them of one topic, by the cosine of what is seen of them; pairs for training, choosing and testing come from different topics. A first form with three grades (one intent, one topic, neither) was dropped before any run at the default scale, as untrained towers already reached its ceiling.",
    "Instructions from language models, the pre-training stage and Matryoshka dimensions are left out, and so is the oscillation of the loss: a loss that switches between tasks oscillates by its definition.",
  ],
};

interface Settings {
  topics: number;
  warmSteps: number;
  steps: number;
  every: number;
  negatives: number;
  learningRates: number[];
}

const DEPTH = 60;
/** Weight of the similarity task. */
const BETA = 0.8;

interface Arm {
  /** How negatives begin, and what becomes of them. */
  start: "naive" | "percent" | "shifted";
  later?: "dynamic" | "mined anew";
  /** The similarity task, in the same step or in steps of its own. */
  similarity?: "balanced" | "alternating";
}

const arms: Record<string, Arm> = {
  dynamic: { start: "naive", later: "dynamic" },
  static: { start: "naive" },
  staticShifted: { start: "shifted" },
  dynamicPercent: { start: "percent", later: "dynamic" },
  staticPercent: { start: "percent" },
  minedAnew: { start: "naive", later: "mined anew" },
  balanced: { start: "percent", similarity: "balanced" },
  alternating: { start: "percent", similarity: "alternating" },
};

const compare = (metric: string, method: string, baseline: string) =>
  ({ metric, method, baseline, better: "higher" }) as const;

export const study = defineStudy<Settings>({
  arms: {
    dynamic: "the 4 best negatives, replaced once they are easy",
    static: "the 4 best negatives",
    staticShifted: "4 negatives from the 11th place on",
    dynamicPercent: "the 4 best below 95 % of the positive's score, replaced once they are easy",
    staticPercent: "the 4 best below 95 % of the positive's score",
    minedAnew: "the 4 best negatives, mined anew at each check, for reference",
    balanced: "retrieval and similarity in one step",
    alternating: "retrieval or similarity in a step, by chance",
  },
  scales: {
    smoke: { topics: 10, warmSteps: 10, steps: 6, every: 3, negatives: 4, learningRates: [3e-3], seeds: 2 },
    default: {
      topics: 100,
      warmSteps: 200,
      steps: 400,
      every: 50,
      negatives: 4,
      learningRates: [1e-3, 3e-3],
      seeds: 5,
    },
    full: {
      topics: 300,
      warmSteps: 400,
      steps: 3000,
      every: 100,
      negatives: 4,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 10,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "MRR@10": "of test queries, the labelled document alone relevant",
    Spearman: "rank correlation of cosines and true likeness over pairs of documents from topics held back",
    "false negatives": "share of the negatives at the end of training that are relevant to their query",
    replaced: "share of the first negatives that are no longer in use at the end of training",
  },
  curves: { "training loss": { x: "step", y: "the arm's loss, nats" } },
  claims: [
    {
      id: "dynamic",
      statement: "Replacing negatives once they are easy trains a better retriever than keeping them.",
      rule: "nDCG@10 on test queries, paired by seed, both from the plain top 4. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: [compare("nDCG@10", "dynamic", "static")],
    },
    {
      id: "dynamic-filtered",
      statement: "So it does where the first negatives were filtered by the positive's score.",
      rule: "The same from the top 4 below 95 % of the positive's score.",
      comparisons: [compare("nDCG@10", "dynamicPercent", "staticPercent")],
    },
    {
      id: "more-than-ranks",
      statement: "Replacing does more than taking negatives from further down the list at once.",
      rule: "The same, with negatives from the 11th place on as the baseline.",
      comparisons: [compare("nDCG@10", "dynamic", "staticShifted")],
    },
    {
      id: "balance",
      statement:
        "Both tasks in each step serve retrieval and similarity better than steps of one task in random order.",
      rule: "nDCG@10 and Spearman, paired by seed. Supports if both 95 % intervals of the gain lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: [
        compare("nDCG@10", "balanced", "alternating"),
        compare("Spearman", "balanced", "alternating"),
      ],
    },
  ],
  distance:
    "The paper trains a BERT of 0.3 billion weights on Chinese retrieval and similarity sets and is judged on the 35 sets of CMTEB; here two-layer towers of 25,000 weights search 2,000 made-up documents of 1,000 intents.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(
      ["conan-embedding", arm, settings],
      settings.learningRates,
      async (learningRate) => {
        const { towers } = await train(arm, settings, learningRate, TUNING_SEED, signal);
        const data = world(TUNING_SEED, settings.topics);
        const retrieval = (await qualityOf(towers, data, data.development))["nDCG@10"];
        if (!arms[arm]!.similarity) return retrieval;
        return retrieval + (await similarityOf(towers, settings, TUNING_SEED, "development"));
      },
    );
    const { towers, first, last } = await train(arm, settings, learningRate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    const data = world(seed, settings.topics);
    const kept = last.map((documents, i) => documents.filter((document) => first[i]!.includes(document)));
    return {
      ...(await qualityOf(towers, data, data.test)),
      Spearman: await similarityOf(towers, settings, seed, "test"),
      "false negatives": falseNegativeRate(
        data,
        last.map((documents, query) => ({ query, documents })),
      ),
      replaced: 1 - kept.flat().length / last.flat().length,
    };
  },
});

async function train(
  name: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const { topics, warmSteps, steps, every } = settings;
  const { later, similarity } = arms[name]!;
  const data = world(seed, topics);
  const from = await warmTowers({ seed, topics, steps: warmSteps });
  let negatives = await startOf(name, settings, seed, from);
  const first = negatives.map(({ documents }) => documents);
  const pairs = pairsOf(settings, seed, "train");
  const coin = random(seed).split("order of tasks");
  let retrieval = true;
  const toss = (step: number) => {
    retrieval = coin.split(step).next() < 0.5;
  };
  toss(0);
  const towers = await trainTowers({
    world: data,
    seed,
    steps,
    learningRate,
    from,
    batchSize: similarity === "balanced" ? 32 : 64,
    // A pair of the similarity task rides along with each query.
    negatives: (query, draw) => [...negatives[query]!.documents, ...(similarity ? pairs(draw) : [])],
    ...(similarity && {
      extra: (_, documents) => [
        likeness(data, documents[documents.length - 2]!, documents[documents.length - 1]!),
        Number(retrieval),
      ],
      loss: similarity === "balanced" ? balanced : alternating,
    }),
    ...(later && {
      refresh: {
        every,
        mine: async (towers, step) => {
          if (step === 0) return;
          if (later === "mined anew") negatives = await startOf(name, settings, seed, towers);
          else {
            const score = await scorer(towers, settings, seed);
            negatives = negatives.map((one, query) =>
              replaceEasyNegatives(one, (document) => score(query, document)),
            );
          }
        },
      },
    }),
    signal,
    onStep: (step, _, loss) => {
      toss(step);
      onStep?.(step, loss);
    },
  });
  return { towers, first, last: negatives.map(({ documents }) => documents) };
}

/** Each query's first negatives, by the scores of towers. */
async function startOf(name: string, { topics, negatives }: Settings, seed: number, towers: Towers) {
  const { start } = arms[name]!;
  const data = world(seed, topics);
  const found = await candidatesOf(towers, data, data.train, DEPTH);
  return Array.from({ length: data.train.count }, (_, query) => {
    const list = negativesOf(found, query);
    const scores = new Map(list.map(({ document, score }) => [document, score]));
    const positive = { document: found.positives[query]!, score: found.positiveScores[query]! };
    const rule = start === "percent" ? { relativeMargin: 0.05 } : {};
    const { documents } = selectNegatives(list, [positive], { count: DEPTH, ...rule });
    // Where too few candidates pass, the list ends with the last ones of all.
    const candidates =
      documents.length >= negatives ? documents : list.slice(-negatives).map(({ document }) => document);
    return dynamicNegatives(candidates, (document) => scores.get(document)!, {
      count: negatives,
      first: start === "shifted" ? 10 : 0,
    });
  });
}

/** Cosine of a training query and a document. */
async function scorer({ query, document }: Towers, { topics }: Settings, seed: number) {
  const data = world(seed, topics);
  const queries = await encodeRows(query, data.train);
  const documents = await encodeRows(document, data.documents);
  return (i: number, j: number) => dot(queries, i, documents, j);
}

function dot(a: Vectors, i: number, b: Vectors, j: number): number {
  let total = 0;
  for (let k = 0; k < a.width; k++) total += a.data[i * a.width + k]! * b.data[j * b.width + k]!;
  return total;
}

const balanced: RetrievalLoss = (batch) => {
  const { retrieval, similarity } = parts(batch);
  return add(retrieval, multiply(similarity, BETA));
};

/** One of the two tasks, as the second column of `extra` says. */
const alternating: RetrievalLoss = (batch) => {
  const { retrieval, similarity, chosen } = parts(batch);
  return add(multiply(retrieval, chosen), multiply(similarity, multiply(subtract(1, chosen), BETA)));
};

function parts({ queries, positives, negatives, extra }: Parameters<RetrievalLoss>[0]) {
  const [n, k, d] = negatives!.shape as [number, number, number];
  const documents = (from: number, to: number) =>
    slice(negatives!, [
      [0, n],
      [from, to],
      [0, d],
    ]);
  const column = (i: number) =>
    squeeze(
      slice(extra!, [
        [0, n],
        [i, i + 1],
      ]),
      1,
    );
  const one = (i: number) => reshape(documents(i, i + 1), [n, d]);
  const cosines = sum(multiply(one(k - 2), one(k - 1)), { axis: 1 });
  return {
    retrieval: sharedInfoNCE({ queries, positives, negatives: documents(0, k - 2) }),
    similarity: cosent(cosines, column(0)),
    chosen: mean(column(1)),
  };
}

type Part = "train" | "development" | "test";

/** Draws pairs of documents for the similarity task, half of them from one topic. */
function pairsOf({ topics }: Settings, seed: number, part: Part) {
  const { documents, topics: topicOf } = world(seed, topics);
  const partOf = (topic: number): Part =>
    topic % 5 === 0 ? "test" : topic % 5 === 1 ? "development" : "train";
  const topicOfDocument = (document: number) => topicOf[documents.intents[document]!]!;
  const all = Array.from({ length: documents.count }, (_, document) => document);
  const usable = all.filter((document) => partOf(topicOfDocument(document)) === part);
  const perTopic = Map.groupBy(usable, topicOfDocument);
  return (draw: Random): [number, number] => {
    const a = draw.choice(usable);
    return [a, draw.choice(draw.next() < 0.5 ? perTopic.get(topicOfDocument(a))! : usable)];
  };
}

/** How alike two documents are: the cosine of what is seen of them. */
function likeness({ documents: { features } }: ReturnType<typeof world>, a: number, b: number): number {
  const row = (document: number) =>
    features.subarray(document * LATENT_FEATURES, (document + 1) * LATENT_FEATURES);
  const [x, y] = [row(a), row(b)];
  return x.reduce((total, value, i) => total + value * y[i]!, 0) / Math.hypot(...x) / Math.hypot(...y);
}

const TEST_PAIRS = 1500;

async function similarityOf(towers: Towers, settings: Settings, seed: number, part: Part): Promise<number> {
  const data = world(seed, settings.topics);
  const encoded = await encodeRows(towers.document, data.documents);
  const draw = random(seed).split(`pairs for ${part}`);
  const next = pairsOf(settings, seed, part);
  const pairs = Array.from({ length: TEST_PAIRS }, () => next(draw));
  return spearman(
    pairs.map(([a, b]) => dot(encoded, a, encoded, b)),
    pairs.map(([a, b]) => likeness(data, a, b)),
  );
}
