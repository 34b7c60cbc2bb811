import { rocAuc } from "nearmiss/metrics";
import { padNegatives, selectNegatives } from "nearmiss/negatives";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { falseNegativeRate, world } from "../tasks/latent-retrieval.ts";
import {
  type Correction,
  labelsOf,
  type PooledSizes,
  type Ranker,
  type Retriever,
  rankingQuality,
  retrieved,
  trainRanker,
  weightsOf,
} from "../tasks/pooled-ranking.ts";

export const card: Card = {
  number: 27,
  slug: "coupled-estimation",
  title: "Hard Negatives or False Negatives: Correcting Pooling Bias in Training Neural Ranking Models",
  year: 2022,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2209.05072",
  link: "https://arxiv.org/abs/2209.05072",
  summary:
    "Labels are modelled as the product of two events: a document was selected for judging, and it is relevant. One model of each event is trained with a list loss, and each supplies the weights of the negatives in the other's loss. An unlabelled document that the pool would probably have missed then counts little as a negative.",
  claim:
    "Judgements cover only what basic retrievers pooled, so hard negatives from a stronger retriever hide more unlabelled positives and can lower ranking quality. Joint estimation with mutual reweighting removes this bias, and hard negatives then raise MRR@10 and nDCG@10 compared with uncorrected training.",
  formula: String.raw`\mathcal L_R=-\log\frac{e^{R(q,d^+)}}{e^{R(q,d^+)}+\sum_iw_i^R\,e^{R(q,d_i)}},\qquad w_i^R=\frac{S(q,d_i)}{S(q,d^+)}`,
  exports: ["negatives/pooling-bias: coupledWeights", "negatives/pooling-bias: weightedListLoss"],
  notes: [
    "The authors' code is not public. How the two models' scores become weights is a reading: the softmax over the list, as in the dual learning of Ai et al. (2018) that the method builds on, so that a weight is the exponential of a difference of scores, kept within bounds.",
    "The posterior probability of irrelevance given no label, which follows from the same model of labels, is offered and studied beside the ratio. It takes the labelled positive as certain and the other probabilities relative to it.",
    "Weights are not brought to a mean of 1 in each list: the lower bound keeps the losses from vanishing.",
    "The selection model sees the pooling retriever's rank and score of a document and nothing else, the relevance model the texts and nothing else; otherwise the two could change roles.",
    "The labels of a query are all relevant documents of the 10 that the basic retriever pooled; queries without any are not trained on. So hard negatives of the basic retriever itself are hardly ever false: only where one from just behind the pool fills the ten.",
    "What the default run showed: 4 % of the strong retriever's ten best are false negatives, too few for its hardness to do harm, as the paper reports it. And the estimated selection probability is no detector of false negatives here (AUROC 0.41): a relevant document that the pool has missed ranks closer behind the pool than an irrelevant one does, so that a selection model which is smooth in the rank trusts it more. The posterior, which also asks the relevance model, detects them well (0.93), but its ranker is no better.",
    "The lower bound of the weights is chosen among 0.1, 0.03 and 0.01, the filter's margin among 5, 10 and 20 %, each together with the learning rate, by nDCG@10 on development queries of a world that no trial uses, with true relevance.",
  ],
};

/** What an arm can choose besides its learning rate: the lowest weight, or the margin below the positive. */
interface Choice {
  low?: number;
  margin?: number;
}

interface Arm {
  source: Retriever | "random";
  choices: Choice[];
  mode?: "ratio" | "posterior";
  /** Knows the truth. */
  oracle?: true;
}

const bounds = [{ low: 0.1 }, { low: 0.03 }, { low: 0.01 }];

const arms: Record<string, Arm> = {
  coupled: { source: "strong", mode: "ratio", choices: bounds },
  posterior: { source: "strong", mode: "posterior", choices: bounds },
  strong: { source: "strong", choices: [{}] },
  middle: { source: "middle", choices: [{}] },
  weak: { source: "weak", choices: [{}] },
  random: { source: "random", choices: [{}] },
  filter: { source: "strong", choices: [{ margin: 0.05 }, { margin: 0.1 }, { margin: 0.2 }] },
  oracle: { source: "strong", choices: [{}], oracle: true },
};

/** Hard negatives come from this many of the best candidates. */
const TOP = 10;
/** Random negatives are drawn from this many. */
const RANDOM = 100;

interface Settings extends PooledSizes {
  steps: number;
  /** Negatives in a list. */
  negatives: number;
  learningRates: number[];
}

const compare = (metric: string, better: "higher" | "lower", method: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method, baseline, better }));

export const study = defineStudy<Settings>({
  arms: {
    coupled: "strong retriever's negatives, weighed by their estimated selection over the positive's",
    posterior: "strong retriever's negatives, weighed by the estimated posterior of irrelevance",
    strong: "strong retriever's negatives, as they are",
    middle: "middling retriever's negatives, as they are",
    weak: "negatives of the basic retriever that pooled the documents",
    random: "random negatives",
    filter: "strong retriever's negatives below a share of the positive's score, the share chosen",
    oracle: "strong retriever's negatives without the false ones, for reference",
  },
  scales: {
    smoke: {
      topics: 10,
      retrieverSteps: { weak: 5, middle: 10, strong: 15 },
      warmSteps: 5,
      steps: 4,
      negatives: 6,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: {
      topics: 100,
      retrieverSteps: { weak: 20, middle: 80, strong: 400 },
      warmSteps: 200,
      steps: 300,
      negatives: 6,
      learningRates: [1e-3, 3e-3],
      seeds: 8,
    },
    full: {
      topics: 300,
      retrieverSteps: { weak: 20, middle: 120, strong: 1000 },
      warmSteps: 400,
      steps: 1500,
      negatives: 6,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 12,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "nDCG@10 on pooled labels": "the same with the labelled documents alone, of test queries that have any",
    "false negatives": "share of the source's candidates that are relevant",
    detection:
      "AUROC with which low weights tell false negatives among the strong retriever's 10 best; 0.5 without weights",
  },
  curves: { "training loss": { x: "step", y: "list loss (with correction: of both models), nats" } },
  claims: [
    {
      id: "paradox",
      statement:
        "Without correction, negatives of a strong retriever hold more false ones than those of a middling one, and train a worse ranker than those of the basic retriever.",
      rule: "The share of false negatives and nDCG@10 on test queries, paired by seed. Supports if both 95 % intervals lie above 0 in the claim's direction, contradicts if one lies below, else inconclusive.",
      comparisons: [
        ...compare("false negatives", "higher", "strong", ["middle"]),
        ...compare("nDCG@10", "lower", "strong", ["weak"]),
      ],
    },
    {
      id: "correction",
      statement:
        "On a strong retriever's negatives, coupled estimation trains a better ranker than no correction and than a ceiling on scores.",
      rule: "nDCG@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("nDCG@10", "higher", "coupled", ["strong", "filter"]),
    },
    {
      id: "hard-negatives-help",
      statement:
        "Corrected, a strong retriever's negatives train a better ranker than those of the basic retriever and than random ones.",
      rule: "As above.",
      comparisons: compare("nDCG@10", "higher", "coupled", ["weak", "random"]),
    },
  ],
  distance:
    "The paper trains BERT rankers of 110 million weights on MS MARCO passages and documents and TREC data, with negatives of BM25 and of dense retrievers; here two-layer towers of 25,000 weights order 50 of 2,000 made-up documents, and the pool of 10 a query is simulated.",
  async run({ arm, seed, settings, report, signal }) {
    const { choice, learningRate } = await choose(arm, settings, signal);
    const ranker = await train(arm, choice, settings, learningRate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    return {
      ...(await rankingQuality("test", ranker, seed, settings)),
      "false negatives": falseNegativeRate(
        world(seed, settings.topics),
        await sourceOf(arm, choice, settings, seed),
      ),
      detection: await detection(arm, choice, ranker, settings, seed),
    };
  },
});

const correctionOf = (arm: string, { low = 0.1 }: Choice): Correction => {
  const { mode } = arms[arm]!;
  return mode && { mode, bounds: [low, 10] };
};

interface Source {
  query: number;
  /** What its negatives are drawn from. */
  documents: number[];
}

/** The candidates of every training query that has a label, its labelled documents left out. */
const sourceOf = remember(
  async (arm: string, { margin }: Choice, settings: Settings, seed: number): Promise<Source[]> => {
    const { source, oracle } = arms[arm]!;
    const { documents, train } = world(seed, settings.topics);
    const labels = await labelsOf("train", seed, settings);
    const draw = random(seed).split("sources");
    const found = source === "random" ? undefined : await retrieved("train", source, seed, settings);
    return labels.flatMap((known, query): Source[] => {
      if (known.length === 0) return [];
      const own = draw.split(query);
      if (!found) {
        const some = [...own.sample(documents.count, Math.min(RANDOM, documents.count))];
        return [{ query, documents: some.filter((document) => !known.includes(document)) }];
      }
      const ranked = Array.from({ length: found.width }, (_, rank) => ({
        document: found.documents[query * found.width + rank]!,
        score: found.scores[query * found.width + rank]!,
      }));
      const positive = ranked.find(({ document }) => document === known[0]) ?? ranked.at(-1)!;
      const candidates = ranked.filter(
        ({ document }) =>
          !known.includes(document) && !(oracle && documents.intents[document] === train.intents[query]),
      );
      const { documents: best } = selectNegatives(candidates, [{ ...positive, document: known[0]! }], {
        count: TOP,
        ...(margin !== undefined && { relativeMargin: margin }),
      });
      const padding = { count: TOP, size: documents.count, exclude: known, random: own };
      return [{ query, documents: padNegatives(best, padding).documents }];
    });
  },
  4,
);

async function train(
  arm: string,
  choice: Choice,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<Ranker> {
  const sources = new Map(
    (await sourceOf(arm, choice, settings, seed)).map(({ query, documents }) => [query, documents]),
  );
  return trainRanker({
    seed,
    sizes: settings,
    steps: settings.steps,
    learningRate,
    negatives: (query, draw) => {
      const from = sources.get(query)!;
      return [...draw.sample(from.length, settings.negatives)].map((i) => from[i]!);
    },
    correction: correctionOf(arm, choice),
    signal,
    onStep,
  });
}

/** How well an arm's weights tell the false ones among the strong retriever's best candidates. */
async function detection(arm: string, choice: Choice, ranker: Ranker, settings: Settings, seed: number) {
  const { documents, train } = world(seed, settings.topics);
  const strong = await sourceOf("strong", {}, settings, seed);
  const truth = strong.flatMap(({ query, documents: list }) =>
    list.map((document) => (documents.intents[document] === train.intents[query] ? 1 : 0)),
  );
  const correction = correctionOf(arm, choice);
  let weights: ArrayLike<number>;
  if (correction) {
    const lists = strong.map(({ query, documents: negatives }) => ({ query, negatives }));
    weights = await weightsOf(ranker, correction, lists, seed, settings);
  } else if (arm === "filter" || arm === "oracle") {
    const kept = await sourceOf(arm, choice, settings, seed);
    weights = strong.flatMap(({ documents: list }, i) =>
      list.map((document) => (kept[i]!.documents.includes(document) ? 1 : 0)),
    );
  } else return 0.5;
  return rocAuc(
    Array.from(weights, (weight) => -weight),
    truth,
  );
}

/** An arm's learning rate and what else it can choose, by nDCG@10 on development queries. */
function choose(arm: string, settings: Settings, signal: AbortSignal) {
  const { learningRates } = settings;
  const open = learningRates.length > 1 ? arms[arm]!.choices : arms[arm]!.choices.slice(0, 1);
  const candidates = open.flatMap((choice) =>
    learningRates.map((learningRate) => ({ choice, learningRate })),
  );
  return chooseOnce(["coupled-estimation", arm, settings], candidates, async ({ choice, learningRate }) => {
    const ranker = await train(arm, choice, settings, learningRate, TUNING_SEED, signal);
    return (await rankingQuality("development", ranker, TUNING_SEED, settings))["nDCG@10"];
  });
}
