import { reshape } from "nearmiss";
import { infoNCE, softLabelInfoNCE } from "nearmiss/losses";
import { padNegatives, selectNegatives } from "nearmiss/negatives";
import { random } from "nearmiss/random";
import { denseIndex, reciprocalRankFusion } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  encodeRows,
  falseNegativeRate,
  qualityOf,
  type RetrievalLoss,
  trainTowers,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 75,
  slug: "lg-anna-embedding",
  title: "LG-ANNA-Embedding technical report",
  year: 2025,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2506.07438",
  link: "https://arxiv.org/abs/2506.07438",
  summary:
    "General text embedder built on a causal language model and trained with InfoNCE, guided by a teacher that retrieves and reranks. The teacher's continuous scores act as soft labels and also filter mined negatives: a candidate stays only if it scores at most 95% of the positive's score. Queries carry a task instruction and, optionally, a few examples.",
  claim:
    "Three additions each improve on InfoNCE trained with one-hot labels and unfiltered top-k negatives: soft labels from the teacher, a margin filter that compares each negative with the positive's score, and instruction conditioning. In combination they are reported to reach the top of MTEB v2.",
  formula: String.raw`L=(1-\lambda)L_h+\lambda\,\mathrm{KL}\big(p^T\|p^S\big),\quad L_h=-\log\frac{e^{s(q,d^+)/\tau}}{\sum_de^{s(q,d)/\tau}}`,
  exports: [
    "losses/soft-labels: softLabelInfoNCE",
    "losses/contrastive: infoNCE",
    "losses/distillation: hintonKD",
    "negatives/select: selectNegatives",
    "negatives/pad: padNegatives",
    "retrieval/fusion: reciprocalRankFusion",
  ],
  notes: [
    "The report trains on a teacher's scores without writing the loss. Here it is half InfoNCE and half the divergence of the softmax of the student's scores from that of the teacher's, over each query's positive and own negatives, both at a temperature of 0.05.",
    "The report's words on the margin can be read with the inequality reversed. Candidates above 95 % of the positive's score are dropped here, as likely false negatives, as in the work that the report cites.",
    "The teacher pipeline: two retrievers, the student after its first phase and a tower pair of other initial weights trained four times as long, give a list each; reciprocal rank fusion joins them, and the longer-trained pair scores the candidates in the place of the reranker.",
    "Instructions and few examples in front of a query need a language model that follows them, and are not studied.",
    "Arms with random negatives are left out of the claims; they show what hard negatives are worth here.",
  ],
};

interface Settings {
  topics: number;
  warmSteps: number;
  teacherSteps: number;
  steps: number;
  negatives: number;
  learningRates: number[];
}

/** Candidates of a query in each retriever's list, and in the fused one. */
const DEPTH = 40;
const TEMPERATURE = 0.05;

const compare = (metric: string, better: "higher" | "lower", pairs: [method: string, baseline: string][]) =>
  pairs.map(([method, baseline]) => ({ metric, method, baseline, better }));

export const study = defineStudy<Settings>({
  arms: {
    filteredSoft: "top 7 below 95 % of the positive's score; half InfoNCE, half the teacher's soft labels",
    filteredHard: "top 7 below 95 % of the positive's score; InfoNCE",
    naiveSoft: "top 7 of all; half InfoNCE, half the teacher's soft labels",
    naiveHard: "top 7 of all; InfoNCE",
    randomHard: "7 random documents; InfoNCE",
  },
  scales: {
    smoke: {
      topics: 10,
      warmSteps: 10,
      teacherSteps: 20,
      steps: 5,
      negatives: 7,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      topics: 100,
      warmSteps: 200,
      teacherSteps: 800,
      steps: 250,
      negatives: 7,
      learningRates: [1e-3, 3e-3],
      seeds: 6,
    },
    full: {
      topics: 300,
      warmSteps: 400,
      teacherSteps: 2000,
      steps: 1500,
      negatives: 7,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 10,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "MRR@10": "of test queries, the labelled document alone relevant",
    "false negatives": "share of the mined negatives that are relevant to their query",
    "teacher nDCG@10": "of the teacher's scores on test queries",
  },
  curves: { "training loss": { x: "step", y: "the arm's loss, nats" } },
  claims: [
    {
      id: "margin-filter",
      statement:
        "Dropping candidates above 95 % of the positive's score trains a better retriever, with hard and with soft labels.",
      rule: "nDCG@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0 with both kinds of labels, contradicts if it lies below 0 with one, else inconclusive.",
      comparisons: compare("nDCG@10", "higher", [
        ["filteredHard", "naiveHard"],
        ["filteredSoft", "naiveSoft"],
      ]),
    },
    {
      id: "soft-labels",
      statement:
        "A teacher's soft labels train a better retriever, with filtered and with unfiltered negatives.",
      rule: "As for the filter, with both kinds of negatives.",
      comparisons: compare("nDCG@10", "higher", [
        ["filteredSoft", "filteredHard"],
        ["naiveSoft", "naiveHard"],
      ]),
    },
    {
      id: "together",
      statement: "Filter and soft labels together train a better retriever than neither.",
      rule: "nDCG@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: compare("nDCG@10", "higher", [["filteredSoft", "naiveHard"]]),
    },
  ],
  distance:
    "The report trains a language model of 7 billion weights on dozens of retrieval and similarity sets, with a reranker as teacher, and is judged on the 41 English tasks of MTEB; here two-layer towers of 25,000 weights search 2,000 made-up documents of 1,000 intents, and the teacher is of the student's size.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(
      ["lg-anna-embedding", arm, settings],
      settings.learningRates,
      async (learningRate) => {
        const { towers } = await train(arm, settings, learningRate, TUNING_SEED, signal);
        const data = world(TUNING_SEED, settings.topics);
        return (await qualityOf(towers, data, data.development))["nDCG@10"];
      },
    );
    const { towers, lists } = await train(arm, settings, learningRate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    const data = world(seed, settings.topics);
    const teacher = await teacherOf(seed, settings);
    return {
      ...(await qualityOf(towers, data, data.test)),
      "false negatives": falseNegativeRate(
        data,
        lists.map((documents, query) => ({ query, documents })),
      ),
      "teacher nDCG@10": teacher.quality,
    };
  },
});

/** The student after its first phase, which is the first of the two retrievers. */
const student = ({ topics, warmSteps }: Settings, seed: number) =>
  warmTowers({ seed, topics, steps: warmSteps });

/** The teacher's candidates for each training query, and its scores of any document. */
const teacherOf = remember(async (seed: number, settings: Settings) => {
  const data = world(seed, settings.topics);
  const towers = await trainTowers({
    world: data,
    // Initial weights and batches of its own.
    seed: seed + 0.5,
    steps: settings.teacherSteps,
    learningRate: 3e-3,
  });
  const first = await student(settings, seed);
  const queries = await encodeRows(towers.query, data.train);
  const documents = await encodeRows(towers.document, data.documents);
  const score = (query: number, document: number) => {
    let sum = 0;
    for (let i = 0; i < queries.width; i++)
      sum += queries.data[query * queries.width + i]! * documents.data[document * queries.width + i]!;
    return sum;
  };
  const lists = [
    await denseIndex(documents, { threads: 1 }).search(queries, DEPTH),
    await denseIndex(await encodeRows(first.document, data.documents), { threads: 1 }).search(
      await encodeRows(first.query, data.train),
      DEPTH,
    ),
  ];
  const candidates = Array.from({ length: data.train.count }, (_, query) =>
    reciprocalRankFusion(
      lists.map(({ documents, width }) => documents.subarray(query * width, (query + 1) * width)),
    )
      .slice(0, DEPTH)
      .map(({ document }) => ({ document, score: score(query, document) })),
  );
  const quality = (await qualityOf(towers, data, data.test))["nDCG@10"];
  return { candidates, score, quality };
});

async function negativesOf(arm: string, settings: Settings, seed: number): Promise<number[][]> {
  const { train, documents, labelled } = world(seed, settings.topics);
  const { candidates, score } = await teacherOf(seed, settings);
  const draw = random(seed).split("mining");
  return candidates.map((found, query) => {
    const positive = labelled[train.intents[query]!]!;
    const selected = selectNegatives(
      arm === "randomHard" ? [] : found,
      [{ document: positive, score: score(query, positive) }],
      { count: settings.negatives, ...(arm.startsWith("filtered") && { relativeMargin: 0.05 }) },
    );
    return padNegatives(selected.documents, {
      count: settings.negatives,
      size: documents.count,
      exclude: [positive],
      random: draw.split(query),
    }).documents;
  });
}

const hardLabels: RetrievalLoss = ({ queries, positives, negatives }) =>
  infoNCE(queries, positives, {
    temperature: TEMPERATURE,
    negatives: reshape(negatives!, [-1, negatives!.shape[2]!]),
  });

const softLabels: RetrievalLoss = ({ queries, positives, negatives, extra }) =>
  softLabelInfoNCE(queries, positives, negatives!, extra!, { temperature: TEMPERATURE });

async function train(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const data = world(seed, settings.topics);
  const lists = await negativesOf(arm, settings, seed);
  const { score } = await teacherOf(seed, settings);
  const soft = arm.endsWith("Soft");
  const towers = await trainTowers({
    world: data,
    seed,
    steps: settings.steps,
    learningRate,
    from: await student(settings, seed),
    negatives: (query) => lists[query]!,
    ...(soft && {
      extra: (query, negatives) => {
        const positive = data.labelled[data.train.intents[query]!]!;
        return [positive, ...Array.from(negatives)].map((document) => score(query, document));
      },
    }),
    loss: soft ? softLabels : hardLabels,
    signal,
    onStep: (step, _, loss) => onStep?.(step, loss),
  });
  return { towers, lists };
}
