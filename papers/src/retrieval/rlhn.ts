import { type IntentRows, LATENT_FEATURES, type LatentIntentWorld } from "nearmiss/data";
import { infoNCE } from "nearmiss/losses";
import { padNegatives, relabelHardNegatives, selectNegatives, simulatedJudge } from "nearmiss/negatives";
import { type Random, random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  candidatesOf,
  negativesOf,
  qualityOf,
  type RetrievalLoss,
  trainTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 83,
  slug: "rlhn",
  title:
    "Fixing Data That Hurts Performance: Cascading LLMs to Relabel Hard Negatives for Robust Information Retrieval",
  year: 2025,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2505.16967",
  link: "https://arxiv.org/abs/2505.16967",
  code: "https://github.com/castorini/rlhn",
  summary:
    "Repairs retrieval training sets in which hard negatives are in truth relevant. A cheap language-model judge flags queries with suspect negatives, a strong judge decides again for those queries, and confirmed cases are moved to the positives. In addition, source datasets are dropped if leaving them out improves validation nDCG@10.",
  claim:
    "Relabelling false hard negatives as positives improves out-of-domain nDCG@10 of retrievers and rerankers over the original labels, and by more than deleting those negatives or the affected queries. Dropping some whole source datasets helps as well.",
  formula: String.raw`P'=P\cup F,\ N'=N\setminus F,\quad F=\begin{cases}\{d\in N:J_2(q,d)=1\}&\exists\,d\in N:J_1(q,d)=1\\\varnothing&\text{otherwise}\end{cases}`,
  exports: [
    "negatives/relabel: relabelHardNegatives",
    "negatives/relabel: simulatedJudge",
    "negatives/relabel: cascadeQuality",
    "negatives/relabel: pruneSources",
  ],
  notes: [
    "The authors' repository holds no code. The strong judge decides for all negatives of an item that the cheap one has flagged, also for those that the cheap one let pass; with several negatives nearly every item is flagged, and the errors of the cascade are about those of the strong judge alone. `cascadeQuality` tells precision and recall for any number of negatives.",
    "Judges are simulated, with rates of 0.9 true and 0.2 false positives for the cheap one and 0.8 and 0.05 for the strong one, and independent errors. Errors of language models are not independent.",
    "Out of domain are queries of the 40 % of topics on which no query is trained; their documents are searched as well.",
    "In every step a query trains with one of its positives, drawn anew, and an intent stands in a batch once, so that no known positive is in a denominator.",
    "What the default run showed: out of domain, wrong positives help as well. Relabelling by the cheap judge alone, with 43 % of its positives wrong, is best there, above the oracle; a wrong positive is a near miss of the same topic, and drawing these closer seems to spare topics that are not trained on. So the gain out of domain is not the gain of right labels alone. In domain, where right labels count, the order is oracle, then relabelling and dropping alike, then the labels as they are.",
    "Dropping whole sources is built (`pruneSources`) and tested, but not part of this study.",
  ],
};

const CHEAP = { truePositiveRate: 0.9, falsePositiveRate: 0.2 };
const STRONG = { truePositiveRate: 0.8, falsePositiveRate: 0.05 };

/** What repairs an arm's training set: the judges, and what becomes of the false negatives. */
interface Repair {
  judges: "none" | "cascade" | "cheap" | "truth";
  mode?: "rlhn" | "hn-remove" | "remove";
}

const repairs: Record<string, Repair> = {
  rlhn: { judges: "cascade" },
  asLabelled: { judges: "none" },
  hnRemove: { judges: "cascade", mode: "hn-remove" },
  remove: { judges: "cascade", mode: "remove" },
  threshold: { judges: "none" },
  cheapOnly: { judges: "cheap" },
  oracle: { judges: "truth" },
};

interface Settings {
  topics: number;
  warmSteps: number;
  steps: number;
  /** Hard negatives of an item. */
  mined: number;
  /** Negatives of a query in a step, drawn from its item's. */
  negatives: number;
  learningRates: number[];
}

const compare = (metric: string, better: "higher" | "lower", baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method: "rlhn", baseline, better }));

export const study = defineStudy<Settings>({
  arms: {
    rlhn: "what the cascade finds becomes positive",
    asLabelled: "the mined negatives as they are",
    hnRemove: "what the cascade finds is dropped",
    remove: "queries in which the cascade finds something are dropped",
    threshold: "negatives above 95 % of the positive's score are not mined",
    cheapOnly: "what the cheap judge finds becomes positive",
    oracle: "all false negatives, and only they, become positive, for reference",
  },
  scales: {
    smoke: { topics: 10, warmSteps: 10, steps: 5, mined: 8, negatives: 4, learningRates: [1e-3], seeds: 2 },
    default: {
      topics: 100,
      warmSteps: 300,
      steps: 300,
      mined: 8,
      negatives: 4,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 7,
    },
    full: {
      topics: 300,
      warmSteps: 600,
      steps: 1500,
      mined: 8,
      negatives: 4,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 12,
    },
  },
  metrics: {
    "nDCG@10, out of domain":
      "of test queries on topics that were not trained on, all documents of the intent relevant",
    "nDCG@10, in domain": "of test queries on topics that were trained on",
    "false negatives": "share of the hard negatives left that are relevant",
    "wrong positives": "share of all positives that are irrelevant",
    "strong judgements": "items that the strong judge has seen, per item",
  },
  curves: { "training loss": { x: "step", y: "InfoNCE with hard negatives, nats" } },
  claims: [
    {
      id: "repair",
      statement:
        "Relabelling false negatives as positives trains a better retriever than the labels as they are.",
      rule: "nDCG@10 on topics not trained on, paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: compare("nDCG@10, out of domain", "higher", ["asLabelled"]),
    },
    {
      id: "relabel-or-remove",
      statement: "It also beats dropping the false negatives, and dropping their queries.",
      rule: "As above, against both: supports if both intervals lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: compare("nDCG@10, out of domain", "higher", ["hnRemove", "remove"]),
    },
    {
      id: "cascade",
      statement: "It beats relabelling by the cheap judge alone, and a ceiling on the negatives' scores.",
      rule: "As above.",
      comparisons: compare("nDCG@10, out of domain", "higher", ["cheapOnly", "threshold"]),
    },
  ],
  distance:
    "The paper relabels 400,000 to 680,000 items of seven training sets with GPT-4o mini and GPT-4o, trains E5 (base) and a Qwen 2.5 reranker and judges them on BEIR and AIR-Bench; here two-layer towers of 25,000 weights train on 1,800 items of a made-up world and search 2,000 documents, the judges are simulated and no reranker is trained.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseRate(arm, settings, signal);
    const items = await itemsOf(arm, settings, seed);
    const towers = await train(items, settings, learningRate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    const data = world(seed, settings.topics);
    const quality = async (inside: boolean) =>
      (await qualityOf(towers, data, rowsOf(data, data.test, inside)))["nDCG@10"];
    return {
      "nDCG@10, out of domain": await quality(false),
      "nDCG@10, in domain": await quality(true),
      ...measured(items, data),
    };
  },
});

/** The first 60 % of the topics are trained on. */
const inDomain = ({ topics }: LatentIntentWorld, intent: number): boolean =>
  topics[intent]! < 0.6 * (1 + topics.at(-1)!);

/** The rows of a part in the domain or outside of it. */
function rowsOf(data: LatentIntentWorld, part: IntentRows, inside: boolean): IntentRows {
  const rows = Array.from(part.intents.keys()).filter((row) => inDomain(data, part.intents[row]!) === inside);
  return {
    count: rows.length,
    intents: Int32Array.from(rows, (row) => part.intents[row]!),
    features: Float32Array.from(
      rows.flatMap((row) => [...part.features.subarray(row * LATENT_FEATURES, (row + 1) * LATENT_FEATURES)]),
    ),
  };
}

interface Items {
  /** By query; queries without an entry are not trained on. */
  positives: Map<number, readonly number[]>;
  negatives: Map<number, readonly number[]>;
  strongJudgements: number;
}

/** Batches of queries in `from`, an intent once at most. */
function batchesOf({ train }: LatentIntentWorld, from: Iterable<number>) {
  const byIntent = [...Map.groupBy(from, (query) => train.intents[query]!).values()];
  return (_: number, draw: Random) =>
    Array.from(draw.sample(byIntent.length, Math.min(64, byIntent.length)), (i) => draw.choice(byIntent[i]!));
}

const trainingQueries = (data: LatentIntentWorld): number[] =>
  Array.from(data.train.intents.keys()).filter((query) => inDomain(data, data.train.intents[query]!));

/** The towers of the first phase, trained in the domain alone with other queries' positives as negatives. */
const warm = remember(({ topics, warmSteps: steps }: Settings, seed: number) => {
  const data = world(seed, topics);
  const batches = batchesOf(data, trainingQueries(data));
  return trainTowers({ world: data, seed, steps, learningRate: 3e-3, batches });
});

/** The training set as mined, before any repair. */
const mine = remember(async (settings: Settings, seed: number, relativeMargin?: number) => {
  const data = world(seed, settings.topics);
  const found = await candidatesOf(await warm(settings, seed), data, data.train, 60);
  const draw = random(seed).split("mining");
  return trainingQueries(data).map((query) => {
    const positive = { document: found.positives[query]!, score: found.positiveScores[query]! };
    const { documents } = selectNegatives(negativesOf(found, query), [positive], {
      count: settings.mined,
      ...(relativeMargin !== undefined && { relativeMargin }),
    });
    const padding = { size: data.documents.count, exclude: [positive.document], random: draw.split(query) };
    const negatives = padNegatives(documents, { count: settings.mined, ...padding }).documents;
    return { query, positives: [positive.document], negatives };
  });
});

/** An arm's training set after repair. */
const itemsOf = remember(async (arm: string, settings: Settings, seed: number): Promise<Items> => {
  const data = world(seed, settings.topics);
  const { judges, mode } = repairs[arm]!;
  const mined = await mine(settings, seed, arm === "threshold" ? 0.05 : undefined);
  const relevant = (query: number, document: number) =>
    data.documents.intents[document] === data.train.intents[query];
  const judge = (name: string, rates: typeof CHEAP) =>
    simulatedJudge({ relevant, ...rates, random: random(seed).split(`${name} judge`) });
  const truth = { truePositiveRate: 1, falsePositiveRate: 0 };
  const { items, report } = await relabelHardNegatives(mined, {
    cheap:
      judges === "none"
        ? (_, documents) => documents.map(() => false)
        : judge("cheap", judges === "truth" ? truth : CHEAP),
    ...(judges === "cascade" && { strong: judge("strong", STRONG) }),
    mode,
  });
  return {
    positives: new Map(items.map(({ query, positives }) => [query, positives])),
    negatives: new Map(items.map(({ query, negatives }) => [query, negatives])),
    strongJudgements: report.judged.strong / mined.length,
  };
}, 10);

function measured(
  { positives, negatives, strongJudgements }: Items,
  { documents, train }: LatentIntentWorld,
) {
  const pairs = (lists: Items["positives"]) =>
    [...lists].flatMap(([query, list]) =>
      list.map((document) => documents.intents[document] === train.intents[query]),
    );
  const share = (right: boolean[]) => right.filter(Boolean).length / right.length;
  return {
    "false negatives": share(pairs(negatives)),
    "wrong positives": 1 - share(pairs(positives)),
    "strong judgements": strongJudgements,
  };
}

/** InfoNCE at temperature 0.05 with a query's own hard negatives and the other positives of the batch. */
const loss: RetrievalLoss = ({ queries, positives, negatives }) =>
  infoNCE(queries, positives, { temperature: 0.05, negatives });

async function train(
  { positives, negatives }: Items,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const data = world(seed, settings.topics);
  const drawPositive = random(seed).split("positives");
  return trainTowers({
    world: data,
    seed,
    steps: settings.steps,
    learningRate,
    loss,
    from: await warm(settings, seed),
    batches: batchesOf(data, positives.keys()),
    positive: (query) => drawPositive.choice(positives.get(query)!),
    negatives: (query, draw) => {
      const own = negatives.get(query)!;
      const count = Math.min(own.length, settings.negatives);
      const drawn = Array.from(draw.sample(own.length, count), (i) => own[i]!);
      const padding = { size: data.documents.count, exclude: positives.get(query)!, random: draw };
      return padNegatives(drawn, { count: settings.negatives, ...padding }).documents;
    },
    signal,
    onStep: (step, _, value) => onStep?.(step, value),
  });
}

/** An arm's learning rate, by nDCG@10 on development queries in the domain. */
function chooseRate(arm: string, settings: Settings, signal: AbortSignal): Promise<number> {
  return chooseOnce(["rlhn", arm, settings], settings.learningRates, async (learningRate) => {
    const items = await itemsOf(arm, settings, TUNING_SEED);
    const towers = await train(items, settings, learningRate, TUNING_SEED, signal);
    const data = world(TUNING_SEED, settings.topics);
    return (await qualityOf(towers, data, rowsOf(data, data.development, true)))["nDCG@10"];
  });
}
