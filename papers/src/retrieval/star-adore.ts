import { cast, fromData, multiply, squeeze, sum, type Tensor } from "nearmiss";
import { listOverlap, pairErrors } from "nearmiss/diagnostics";
import { adoreLoss, pairwiseNLL, starLoss } from "nearmiss/losses";
import type { Random } from "nearmiss/random";
import type { Vectors } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { mrrOf, nearestOf, ranksOf } from "../tasks/latent-ranks.ts";
import {
  encodeRows,
  qualityOf,
  type RetrievalLoss,
  type Towers,
  type TowerTraining,
  trainTowers,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 94,
  slug: "star-adore",
  title: "Optimizing Dense Retrieval Model Training with Hard Negatives",
  year: 2021,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2104.08051",
  link: "https://arxiv.org/abs/2104.08051",
  code: "https://github.com/jingtaozhan/DRhard",
  summary:
    "Two ways to train dense retrievers with hard negatives. STAR joins hard negatives mined once by a warm-up model with in-batch ones, which act as random negatives and stabilise training. ADORE freezes documents and index, trains only the query encoder, retrieves its current top documents at every step and weights a pairwise loss by the change in a ranking metric.",
  claim:
    "Random negatives minimise the total count of misordered pairs and hard negatives the errors at the top of the list, but static hard negatives alone are unstable. Adding random negatives (STAR) cures this, real-time negatives (ADORE) raise MRR@10 further, and the combination does best.",
  formula: String.raw`L_{\mathrm{ADORE}}\propto\sum_{i\in D^+}\sum_{j\notin D^+}\log\big(1+e^{-(s_i-s_j)}\big)\,\Big|\frac1{\pi_i}-\frac1{\pi_j}\Big|`,
  exports: [
    "losses/retrieval: starLoss",
    "losses/retrieval: adoreLoss",
    "losses/retrieval: lambdaMRR",
    "losses/retrieval: pairwiseNLL",
    "negatives/refresh: nearestNegatives",
    "diagnostics/retrieval: pairErrors",
    "diagnostics/retrieval: listOverlap",
  ],
  notes: [
    "As in the authors' code, STAR takes one mean over all pairs, those with the hard negatives of other queries included, and ADORE appends a query's positives to its list only where none was retrieved. A batch holds an intent once at most, and a hard negative that is the query's own labelled document has its positive's score and no gradient, so no pair has to be masked.",
    "All arms go on from towers that were warmed up with in-batch negatives, the ones that the static hard negatives come from; the paper warms up on BM25 negatives. Each stage has its own optimizer and its own learning rate.",
    "Inner products are cosines over a temperature of 0.05. Ranks of ADORE's lists are not cut.",
    "Ranks are those of the labelled document among irrelevant ones: whether unlabelled relevant documents stand above it is chance.",
    "The two-stage arm has as many steps in all as the others, half of them in each stage; the paper trains ADORE on top of a finished STAR.",
  ],
};

interface Settings {
  topics: number;
  warmSteps: number;
  /** Of every arm; half of them in each stage of STAR with ADORE. */
  steps: number;
  /** Steps between two looks of ANCE. */
  every: number;
  /** Nearest documents that hard negatives are drawn from, and within which errors are errors at the top. */
  depth: number;
  /** Length of ADORE's lists. */
  retrieved: number;
  learningRates: number[];
}

const TEMPERATURE = 0.05;

const higher = (method: string, baseline: string) =>
  ({ metric: "MRR@10", method, baseline, better: "higher" }) as const;

export const study = defineStudy<Settings>({
  arms: {
    starAdore: "STAR for half of the steps, then ADORE",
    star: "a static hard negative and the batch's other documents",
    adore: "the query encoder alone, on what it retrieves at each step",
    static: "a static hard negative alone",
    ance: "a hard negative of an index that is refreshed during training",
    random: "the batch's other documents alone, which are random ones",
  },
  scales: {
    smoke: {
      topics: 10,
      warmSteps: 10,
      steps: 4,
      every: 2,
      depth: 10,
      retrieved: 10,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: {
      topics: 80,
      warmSteps: 150,
      steps: 200,
      every: 50,
      depth: 20,
      retrieved: 50,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 6,
    },
    full: {
      topics: 300,
      warmSteps: 400,
      steps: 2000,
      every: 100,
      depth: 50,
      retrieved: 200,
      learningRates: [1e-4, 3e-4, 1e-3, 3e-3],
      seeds: 10,
    },
  },
  metrics: {
    "MRR@10":
      "of test queries; the labelled document is to be found, the query's other relevant ones are left out",
    "total errors": "irrelevant documents above the labelled one, mean over test queries",
    "top errors":
      "the same, with no query counting more than the depth of the hard negatives (20 by default)",
    "static overlap":
      "share of the static hard negatives that stand in the trained towers' own list of that depth",
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
  },
  curves: {
    "training loss": { x: "step", y: "the arm's loss" },
    "static overlap": { x: "step", y: "share of static hard negatives in the present list" },
  },
  claims: [
    {
      id: "errors",
      statement:
        "Random negatives leave fewer pairs in the wrong order in all, hard negatives fewer at the top of the list.",
      rule: "Total errors of random negatives below those of ANCE's hard ones, and errors at the top the other way round, paired by seed. Supports if both 95 % intervals of the gain lie above 0, contradicts if one lies below 0, else inconclusive.",
      comparisons: [
        { metric: "total errors", method: "random", baseline: "ance", better: "lower" },
        { metric: "top errors", method: "ance", baseline: "random", better: "lower" },
      ],
    },
    {
      id: "star",
      statement:
        "Adding random negatives to static hard ones (STAR) trains a better retriever than these alone.",
      rule: "MRR@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: [higher("star", "static")],
    },
    {
      id: "together",
      statement: "STAR followed by ADORE is better than STAR alone and than ADORE alone after as many steps.",
      rule: "As for STAR, against both.",
      comparisons: [higher("starAdore", "star"), higher("starAdore", "adore")],
    },
  ],
  distance:
    "The paper trains RoBERTa base on MS MARCO with 8.8 million passages, hard negatives from the top 200; here two-layer towers of 25,000 weights search 1,600 made-up documents, hard negatives from the top 20, which are 1.25 % of all rather than 0.002 %.",
  async run({ arm, seed, settings, report, signal }) {
    const { topics, depth, steps } = settings;
    const data = world(seed, topics);
    const warm = await staticLists(seed, settings);
    const overlap = async (towers: Towers) => listOverlap(warm, await nearestOf(towers, data, depth));
    const towers = await train(arm, settings, await rate(arm, settings, signal), seed, signal, {
      step: (step, loss) => {
        report.progress(step / steps);
        if (step % 10 === 0 || step === steps) report.point("training loss", step, loss);
      },
      look: async (step, towers) => report.point("static overlap", step, await overlap(towers)),
    });
    const ranks = await ranksOf(towers, data, data.test);
    const errors = pairErrors(ranks, depth);
    return {
      "MRR@10": mrrOf(ranks),
      "total errors": errors.total,
      "top errors": errors.top,
      "static overlap": await overlap(towers),
      "nDCG@10": (await qualityOf(towers, data, data.test))["nDCG@10"],
    };
  },
});

/** The learning rate with the best MRR@10 on development queries. */
function rate(arm: string, settings: Settings, signal: AbortSignal): Promise<number> {
  return chooseOnce(["star-adore", arm, settings], settings.learningRates, async (learningRate) => {
    const towers = await train(arm, settings, learningRate, TUNING_SEED, signal);
    const data = world(TUNING_SEED, settings.topics);
    return mrrOf(await ranksOf(towers, data, data.development));
  });
}

const warmed = ({ topics, warmSteps }: Settings, seed: number) =>
  warmTowers({ seed, topics, steps: warmSteps });

/** What the warm-up towers retrieve. */
const staticLists = remember(async (seed: number, settings: Settings) =>
  nearestOf(await warmed(settings, seed), world(seed, settings.topics), settings.depth),
);

interface Watch {
  step: (step: number, loss: number) => void;
  look: (step: number, towers: Towers) => Promise<void>;
}

async function train(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  on?: Watch,
): Promise<Towers> {
  const stage = { settings, seed, learningRate, signal, on };
  if (arm !== "starAdore")
    return trainStage(arm, { ...stage, from: await warmed(settings, seed), first: 0, last: settings.steps });
  const from = await starStage(seed, settings, await rate("star", settings, signal));
  return trainStage("adore", { ...stage, from, first: half(settings), last: settings.steps });
}

const half = ({ steps }: Settings) => Math.floor(steps / 2);

/** The first stage of STAR with ADORE, the same for all learning rates of the second. */
const starStage = remember(async (seed: number, settings: Settings, learningRate: number) =>
  trainStage("star", {
    settings,
    seed,
    learningRate,
    from: await warmed(settings, seed),
    first: 0,
    last: half(settings),
  }),
);

interface Stage {
  settings: Settings;
  seed: number;
  learningRate: number;
  from: Towers;
  /** Steps of the arm that the stage covers. */
  first: number;
  last: number;
  signal?: AbortSignal;
  on?: Watch | undefined;
}

async function trainStage(
  method: string,
  { settings, seed, learningRate, from, first, last, signal, on }: Stage,
): Promise<Towers> {
  const { topics, every, depth } = settings;
  const data = world(seed, topics);
  const intentOf = (query: number) => data.train.intents[query]!;
  let lists = await staticLists(seed, settings);
  const hard = (query: number, draw: Random) => [draw.choice(lists[query]!)];
  const labelled = (query: number) => [data.labelled[intentOf(query)]!];
  const methods: Record<string, Partial<TowerTraining>> = {
    star: { negatives: hard, loss: star },
    static: { negatives: hard, loss: ownNegative },
    ance: { negatives: hard, loss: ownNegative },
    random: { loss: star },
    adore: {
      train: "query",
      extra: labelled,
      loss: adore(await encodeRows(from.document, data.documents), settings.retrieved),
    },
  };
  return trainTowers({
    world: data,
    // A later stage sees other batches than the first.
    seed: seed + first / 1e6,
    steps: last - first,
    learningRate,
    from,
    ...methods[method]!,
    refresh: {
      every,
      async mine(towers, step) {
        if (method === "ance") lists = await nearestOf(towers, data, depth);
        await on?.look(first + step, towers);
      },
    },
    ...(signal && { signal }),
    onStep: (step, _, loss) => on?.step(first + step, loss),
  });
}

const star: RetrievalLoss = ({ queries, positives, negatives }) =>
  starLoss(queries, positives, negatives && squeeze(negatives, 1), { temperature: TEMPERATURE });

const ownNegative: RetrievalLoss = ({ queries, positives, negatives }) => {
  const score = (documents: Tensor) =>
    multiply(sum(multiply(queries, documents), { axis: 1 }), 1 / TEMPERATURE);
  return pairwiseNLL(score(positives), score(squeeze(negatives!, 1)));
};

/** Documents stay as they are; `extra` holds the number of each query's labelled one. */
const adore =
  ({ data, count, width }: Vectors, depth: number): RetrievalLoss =>
  ({ queries, extra }) =>
    adoreLoss(queries, fromData(data, [count, width]), cast(extra!, "int32"), {
      depth,
      temperature: TEMPERATURE,
    });
