import { padNegatives, type SelectionOptions, selectNegatives } from "nearmiss/negatives";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  candidatesOf,
  falseNegativeRate,
  negativesOf,
  qualityOf,
  trainTowers,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 25,
  slug: "nv-retriever-mining",
  title: "NV-Retriever: Improving text embedding models with effective hard-negative mining",
  year: 2024,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2407.15831",
  link: "https://arxiv.org/abs/2407.15831",
  summary:
    "A teacher embedder scores all documents for a query, and the highest-ranked ones that stay under a ceiling derived from the positive's own score become hard negatives. The ceiling is a percentage of that score or the score minus a fixed margin. The chosen negatives are used in a contrastive loss together with in-batch negatives.",
  claim:
    "Mining with a ceiling tied to the positive's score removes more false negatives than plain top-k, shifted top-k or an absolute threshold, and trains embedding models with higher nDCG@10 on BEIR and MTEB. The best settings are 95 % of the positive score or a margin of 0.05.",
  formula: String.raw`N(q)=\operatorname{top-}k\left\{d\ne d^+:\;s(q,d)<\rho\,s(q,d^+)\right\},\qquad \rho=0.95`,
  exports: [
    "negatives/select: selectNegatives",
    "negatives/mine: mineHardNegatives",
    "negatives/pad: padNegatives",
    "negatives/ensemble: ensembleNegatives",
    "negatives/audit: auditNegatives",
  ],
  notes: [
    "All rules are options of one selection: 95 % of the positive is a relative margin of 0.05, the fixed margin an absolute margin of 0.05, the absolute rule a highest score, the shift a beginning of the range. With several positives the lowest score counts.",
    "The published thresholds belong to one teacher's scale of scores. Here each rule chooses among its published value and two that drop more, together with its learning rate, by nDCG@10 on development queries of a world that no trial uses; the published 95 % is an arm of its own.",
    "The teacher is the student itself after its first phase at the default scale, and a teacher trained twice as long at the full scale. The paper's finding that stronger teachers help is not decided here.",
    "Queries with too few fitting candidates among the 60 best are filled up with random documents; the share is a metric.",
    "Drawing negatives with a softmax over scores is not built.",
  ],
};

/** Candidates for the threshold of each rule: the published one first, then two that drop more. */
const rules: Record<string, SelectionOptions[]> = {
  percentPos: [{ relativeMargin: 0.05 }, { relativeMargin: 0.1 }, { relativeMargin: 0.2 }],
  percent95: [{ relativeMargin: 0.05 }],
  marginPos: [{ absoluteMargin: 0.05 }, { absoluteMargin: 0.1 }, { absoluteMargin: 0.2 }],
  naive: [{}],
  shifted: [{ rangeMin: 10 }, { rangeMin: 20 }, { rangeMin: 30 }],
  absolute: [{ maxScore: 0.7 }, { maxScore: 0.6 }, { maxScore: 0.5 }],
  random: [{}],
  oracle: [{}],
};

const DEPTH = 60;

interface Settings {
  topics: number;
  warmSteps: number;
  teacherSteps: number;
  steps: number;
  negatives: number;
  learningRates: number[];
}

const compare = (metric: string, better: "higher" | "lower", method: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method, baseline, better }));

export const study = defineStudy<Settings>({
  arms: {
    percentPos: "top 4 below a share of the positive's score, the share chosen",
    percent95: "top 4 below 95 % of the positive's score, as published",
    marginPos: "top 4 below the positive's score minus a margin, the margin chosen",
    naive: "top 4 of all",
    shifted: "4 after the first places, their number chosen",
    absolute: "top 4 below a fixed score, the score chosen",
    random: "4 random documents, for reference",
    oracle: "top 4 without the false negatives, for reference",
  },
  scales: {
    smoke: {
      topics: 10,
      warmSteps: 10,
      teacherSteps: 10,
      steps: 5,
      negatives: 4,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      topics: 100,
      warmSteps: 400,
      teacherSteps: 400,
      steps: 300,
      negatives: 4,
      learningRates: [1e-3, 3e-3],
      seeds: 6,
    },
    full: {
      topics: 300,
      warmSteps: 600,
      teacherSteps: 1200,
      steps: 1500,
      negatives: 4,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 10,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "MRR@10": "of test queries, the labelled document alone relevant",
    "false negatives": "share of the mined negatives that are relevant to their query",
    padded: "share of the negatives that are random documents, because too few candidates fitted",
  },
  curves: { "training loss": { x: "step", y: "InfoNCE with hard negatives, nats" } },
  claims: [
    {
      id: "false-negatives",
      statement:
        "Fewer of the negatives under 95 % of the positive's score are false than of the plain top 4.",
      rule: "The share of false negatives, paired by seed. Supports if the 95 % interval of the reduction lies above 0, contradicts if below, else inconclusive.",
      comparisons: compare("false negatives", "lower", "percent95", ["naive"]),
    },
    {
      id: "published",
      statement: "A ceiling of 95 % of the positive's score trains a better retriever than the plain top 4.",
      rule: "nDCG@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: compare("nDCG@10", "higher", "percent95", ["naive"]),
    },
    {
      id: "rules",
      statement:
        "With every rule's threshold chosen alike, a ceiling tied to the positive's score trains a better retriever than the plain top 4, a shift of ranks and an absolute threshold.",
      rule: "nDCG@10 on test queries, paired by seed. Supports if the 95 % interval lies above 0 against all three, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("nDCG@10", "higher", "percentPos", ["naive", "shifted", "absolute"]),
    },
  ],
  distance:
    "The paper mines with teachers of up to 7 billion weights and trains students of up to 7 billion on question answering text, judged on BEIR; here two-layer towers of 25,000 weights search 2,000 made-up documents of 1,000 intents, and the teacher is the student itself.",
  async run({ arm, seed, settings, report, signal }) {
    const choice = await choose(arm, settings, signal);
    const { lists, padded } = await mine(arm, choice.rule, settings, seed);
    const towers = await train(lists, settings, choice.learningRate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    return {
      ...(await qualityOf(towers, world(seed, settings.topics), world(seed, settings.topics).test)),
      "false negatives": falseNegativeRate(
        world(seed, settings.topics),
        lists.map((documents, query) => ({ query, documents })),
      ),
      padded,
    };
  },
});

/** The negatives of every training query, by the teacher's scores. */
async function mine(
  arm: string,
  rule: SelectionOptions,
  { topics, teacherSteps, negatives }: Settings,
  seed: number,
) {
  const data = world(seed, topics);
  const { train, documents } = data;
  const teacher = await warmTowers({ seed, topics, steps: teacherSteps });
  const found = await candidatesOf(teacher, data, train, DEPTH);
  const draw = random(seed).split("mining");
  let padded = 0;
  const lists = Array.from({ length: train.count }, (_, query) => {
    const positive = { document: found.positives[query]!, score: found.positiveScores[query]! };
    const fits = (document: number) =>
      arm === "oracle" ? documents.intents[document] !== train.intents[query] : arm !== "random";
    const candidates = negativesOf(found, query).filter(({ document }) => fits(document));
    const selected = selectNegatives(candidates, [positive], { count: negatives, ...rule });
    const full = padNegatives(selected.documents, {
      count: negatives,
      size: documents.count,
      exclude: [positive.document],
      random: draw.split(query),
    });
    padded += full.padded;
    return full.documents;
  });
  return { lists, padded: padded / (lists.length * negatives) };
}

async function train(
  lists: readonly (readonly number[])[],
  { topics, warmSteps, steps }: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  return trainTowers({
    world: world(seed, topics),
    seed,
    steps,
    learningRate,
    from: await warmTowers({ seed, topics, steps: warmSteps }),
    negatives: (query) => lists[query]!,
    signal,
    onStep: (step, _, loss) => onStep?.(step, loss),
  });
}

/** An arm's threshold and learning rate, by nDCG@10 on development queries. */
function choose(arm: string, settings: Settings, signal: AbortSignal) {
  const thresholds = settings.learningRates.length > 1 ? rules[arm]! : rules[arm]!.slice(0, 1);
  const candidates = thresholds.flatMap((rule) =>
    settings.learningRates.map((learningRate) => ({ rule, learningRate })),
  );
  return chooseOnce(["nv-retriever-mining", arm, settings], candidates, async ({ rule, learningRate }) => {
    const { lists } = await mine(arm, rule, settings, TUNING_SEED);
    const towers = await train(lists, settings, learningRate, TUNING_SEED, signal);
    const data = world(TUNING_SEED, settings.topics);
    return (await qualityOf(towers, data, data.development))["nDCG@10"];
  });
}
