import { reshape } from "nearmiss";
import type { LatentIntentWorld } from "nearmiss/data";
import { forgettingRate } from "nearmiss/diagnostics";
import { infoNCE } from "nearmiss/losses";
import { teleportationPools } from "nearmiss/negatives";
import { type Random, random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { cosine, mrrOf, nearestOf, ranksOf } from "../tasks/latent-ranks.ts";
import {
  encodeRows,
  qualityOf,
  type RetrievalLoss,
  type Towers,
  trainTowers,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 174,
  slug: "ance-tele",
  title: "Reduce Catastrophic Forgetting of Dense Retrieval Training with Teleportation Negatives",
  year: 2022,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2210.17167",
  link: "https://arxiv.org/abs/2210.17167",
  code: "https://github.com/OpenMatch/ANCE-Tele",
  summary:
    "ANCE-Tele trains a dense retriever in episodes and refreshes its hard negatives before each one. The pool joins fresh nearest neighbours of the query, neighbours of the positive document (lookahead) and the whole pool of the previous episode (momentum). Every episode restarts from the initial model, and all but the last are short.",
  claim:
    "When a retriever is trained again and again on freshly mined negatives only, as in ANCE, it learns and forgets groups of negatives in turn. Adding momentum and lookahead negatives lowers the forgetting rate. Training converges faster and MRR is higher than with ANCE.",
  formula: String.raw`\mathcal N_e(q)=\mathcal N_{\text{ANN}}(q)\uplus\mathcal N_{\text{LA}}(d^+)\uplus\mathcal N_{e-1}(q),\qquad \mathcal N_0(q)=\varnothing`,
  exports: [
    "negatives/teleport: teleportationPools",
    "negatives/refresh: nearestNegatives",
    "diagnostics/forgetting: forgettingRate",
    "losses/contrastive: infoNCE",
  ],
  notes: [
    "The arm ANCE has as many steps in all and mines three times as well, but trains on without a break, as ANCE does; the arm `fresh` takes the two additions away and keeps the restarts, so that restarts and negatives can be told apart.",
    "Forgetting is measured on one group for all arms: the 20 nearest irrelevant documents of the towers that every arm begins with, which are what the first episode trains on. The paper looks at the groups of each episode.",
    "Cosines over a temperature of 0.05 stand in the place of inner products. Each step draws 7 negatives of a query's pool with replacement; the authors' code takes 31 in turn.",
    "Run twice: in the first run the fresh and the lookahead part of a pool drew from one stream, so that lists that overlap gave the same documents. Each has its own now; the verdicts are the same (forgetting +0.004 [-0.002, +0.009] then, MRR@10 -0.006 [-0.016, +0.005], on the way -0.031 [-0.037, -0.025]).",
    "As in the authors' code, a document that stands in several parts of the pool is drawn as often, and known positives alone are left out of it.",
  ],
};
interface Settings {
  topics: number;
  warmSteps: number;
  /** Of the last episode; all episodes together have `steps` (1 + 2 · quick). */
  steps: number;
  /** Length of each of the first two episodes, as a share of the last. */
  quick: number;
  /** Nearest documents that are sampled, and how many are. */
  depth: number;
  sampled: number;
  /** Negatives of a query at each step. */
  negatives: number;
  /** In the last episode. */
  checkpoints: number;
  learningRates: number[];
}

const BATCH = 32;
/** Members of the group of negatives whose forgetting is watched. */
const GROUP = 20;

/** What an arm's pools hold besides fresh neighbours of the query, and whether episodes begin anew. */
const arms: Record<string, { lookahead: boolean; momentum: boolean; restart: boolean }> = {
  tele: { lookahead: true, momentum: true, restart: true },
  ance: { lookahead: false, momentum: false, restart: false },
  fresh: { lookahead: false, momentum: false, restart: true },
  momentum: { lookahead: false, momentum: true, restart: true },
  lookahead: { lookahead: true, momentum: false, restart: true },
};

const effect = (metric: string, better: "higher" | "lower") => ({
  metric,
  method: "tele",
  baseline: "ance",
  better,
});

export const study = defineStudy<Settings>({
  arms: {
    tele: "fresh, lookahead and momentum negatives; each episode begins anew",
    ance: "fresh negatives alone; training goes on where it was when they are mined again",
    fresh: "fresh negatives alone; each episode begins anew",
    momentum: "fresh and momentum negatives; each episode begins anew",
    lookahead: "fresh and lookahead negatives; each episode begins anew",
  },
  scales: {
    smoke: {
      topics: 8,
      warmSteps: 5,
      steps: 10,
      quick: 0.2,
      depth: 20,
      sampled: 5,
      negatives: 3,
      checkpoints: 2,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: {
      topics: 60,
      warmSteps: 100,
      steps: 200,
      quick: 0.1,
      depth: 50,
      sampled: 10,
      negatives: 7,
      checkpoints: 10,
      learningRates: [1e-3, 3e-3],
      seeds: 6,
    },
    full: {
      topics: 200,
      warmSteps: 300,
      steps: 2000,
      quick: 0.1,
      depth: 200,
      sampled: 30,
      negatives: 7,
      checkpoints: 20,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 10,
    },
  },
  metrics: {
    forgetting:
      "share of training queries that had put their document above all of the 20 nearest irrelevant ones of the first towers and do not now, mean over the checkpoints of the last steps",
    "MRR@10": "of test queries after training; the query's unlabelled relevant documents are left out",
    "MRR@10 on the way": "of development queries, mean over the checkpoints",
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "learning rate": "chosen for the arm by MRR@10 on development queries; the higher, the more is forgotten",
  },
  curves: {
    forgetting: { x: "step", y: "share of training queries" },
    "MRR@10": { x: "step", y: "of development queries" },
  },
  claims: [
    {
      id: "forgetting",
      statement: "Teleportation negatives lower the forgetting rate against ANCE.",
      rule: "The mean forgetting rate of the checkpoints, paired by seed. Supports if the 95 % interval of the reduction lies above 0, contradicts if below, else inconclusive.",
      comparisons: [effect("forgetting", "lower")],
    },
    {
      id: "retrieval",
      statement: "Training with teleportation negatives ends with a better retriever than ANCE.",
      rule: "MRR@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: [effect("MRR@10", "higher")],
    },
    {
      id: "convergence",
      statement: "It gets there sooner: its retriever is better on the way too.",
      rule: "MRR@10 on development queries, mean over the checkpoints, the first of which comes after a tenth of the last episode; paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: [effect("MRR@10 on the way", "higher")],
    },
  ],
  distance:
    "The paper trains coCondenser, a BERT base, on MS MARCO, NQ and TriviaQA with up to 21 million passages, with 31 negatives a query; here two-layer towers of 25,000 weights search 1,200 made-up documents, with 7 negatives a query out of pools of 10 to 60.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(
      ["ance-tele", arm, settings],
      settings.learningRates,
      async (learningRate) => {
        const towers = await train(arm, settings, learningRate, TUNING_SEED, signal);
        const data = world(TUNING_SEED, settings.topics);
        return mrrOf(await ranksOf(towers, data, data.development));
      },
    );
    const data = world(seed, settings.topics);
    const group = await firstGroup(seed, settings);
    const learned: boolean[][] = [];
    const onTheWay: number[] = [];
    const towers = await train(arm, settings, learningRate, seed, signal, async (step, steps, towers) => {
      report.progress(step / steps);
      learned.push(await above(towers, data, group));
      const mrr = mrrOf(await ranksOf(towers, data, data.development));
      onTheWay.push(mrr);
      report.point("forgetting", step, forgettingRate(learned).at(-1)!);
      report.point("MRR@10", step, mrr);
    });
    return {
      forgetting: mean(forgettingRate(learned).slice(1)),
      "MRR@10": mrrOf(await ranksOf(towers, data, data.test)),
      "MRR@10 on the way": mean(onTheWay),
      "nDCG@10": (await qualityOf(towers, data, data.test))["nDCG@10"],
      "learning rate": learningRate,
    };
  },
});

const mean = (values: ArrayLike<number>) =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/** The towers that all arms and all their episodes begin with. */
const first = ({ topics, warmSteps: steps }: Settings, seed: number) => warmTowers({ seed, topics, steps });

/** The nearest irrelevant documents of each training query for the first towers. */
const firstGroup = remember(async (seed: number, settings: Settings): Promise<number[][]> => {
  const data = world(seed, settings.topics);
  const lists = await nearestOf(await first(settings, seed), data, GROUP + 2);
  return lists.map((list, query) =>
    Array.from(list)
      .filter((document) => data.documents.intents[document] !== data.train.intents[query])
      .slice(0, GROUP),
  );
});

/** Which training queries put their labelled document above all of their group. */
async function above(towers: Towers, data: LatentIntentWorld, groups: number[][]): Promise<boolean[]> {
  const queries = await encodeRows(towers.query, data.train);
  const documents = await encodeRows(towers.document, data.documents);
  return groups.map((group, query) => {
    const positive = cosine(queries, query, documents, data.labelled[data.train.intents[query]!]!);
    return group.every((document) => cosine(queries, query, documents, document) < positive);
  });
}

/** InfoNCE at temperature 0.05 against all documents of the batch, other queries' negatives included. */
const loss: RetrievalLoss = ({ queries, positives, negatives }) =>
  infoNCE(queries, positives, {
    temperature: 0.05,
    negatives: reshape(negatives!, [-1, negatives!.shape[2]!]),
  });

async function train(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  checkpoint?: (step: number, steps: number, towers: Towers) => Promise<void>,
): Promise<Towers> {
  const { topics, steps, negatives, checkpoints } = settings;
  const { lookahead, momentum, restart } = arms[arm]!;
  const data = world(seed, topics);
  const initial = await first(settings, seed);
  const quick = Math.round(steps * settings.quick);
  const total = steps + 2 * quick;
  const interval = Math.floor(steps / checkpoints);
  let pools: number[][] | undefined;
  const mine = async (towers: Towers, episode: number) => {
    pools = await poolsOf(towers, data, settings, {
      lookahead,
      previous: momentum ? pools : undefined,
      random: random(seed).split("pools").split(episode),
    });
  };
  const run = (from: Towers, offset: number, steps: number, episodeOf?: (step: number) => number) =>
    trainTowers({
      world: data,
      // Episodes see other batches than those before.
      seed: seed + offset / 1e6,
      steps,
      learningRate,
      from,
      batchSize: BATCH,
      loss,
      negatives: (query, draw) => Array.from({ length: negatives }, () => draw.choice(pools![query]!)),
      refresh: {
        every: 1,
        async mine(towers, step) {
          if (episodeOf && step > 0 && episodeOf(step) !== episodeOf(step - 1))
            await mine(towers, episodeOf(step));
          const at = offset + step;
          if (at > 2 * quick && (at - 2 * quick) % interval === 0) await checkpoint?.(at, total, towers);
        },
      },
      signal,
    });
  await mine(initial, 0);
  let towers: Towers;
  if (restart) {
    let end = initial;
    for (const episode of [0, 1]) {
      end = await run(initial, episode * quick, quick);
      await mine(end, episode + 1);
    }
    towers = await run(initial, 2 * quick, steps);
  } else {
    // Three parts of the same length, without a break.
    towers = await run(initial, 0, total, (step) => Math.floor((3 * step) / total));
  }
  await checkpoint?.(total, total, towers);
  return towers;
}

async function poolsOf(
  towers: Towers,
  { train, documents, labelled }: LatentIntentWorld,
  { depth, sampled }: Settings,
  options: { lookahead: boolean; previous: number[][] | undefined; random: Random },
): Promise<number[][]> {
  const { lookahead, previous, random } = options;
  return teleportationPools(
    await encodeRows(towers.query, train),
    await encodeRows(towers.document, documents),
    Array.from(train.intents, (intent) => [labelled[intent]!]),
    { depth, count: sampled, lookahead, random, threads: 1, ...(previous && { previous }) },
  );
}
