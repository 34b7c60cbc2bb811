import { sampleWithoutReplacement, simansLogWeights } from "nearmiss/negatives";
import { type Random, random } from "nearmiss/random";
import type { Vectors } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  candidatesOf,
  encodeRows,
  falseNegativeRate,
  negativesOf,
  qualityOf,
  trainTowers,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 26,
  slug: "simans",
  title: "SimANS: Simple Ambiguous Negatives Sampling for Dense Text Retrieval",
  year: 2022,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2210.11773",
  link: "https://arxiv.org/abs/2210.11773",
  code: "https://github.com/microsoft/SimXNS",
  summary:
    "Hard negatives are sampled from the current top-k candidates with a Gaussian kernel centred near the score of a labelled positive. The sharpness a and the offset b set how narrow the kernel is and on which side of the positive it sits. Very low scores are avoided as uninformative, and very high ones as probable false negatives.",
  claim:
    "Sampling negatives whose score lies near that of the positive trains dense retrievers with higher MRR@10 and recall@k than random negatives or uniform sampling from the top-k. Such ambiguous negatives are claimed to be informative and yet seldom false.",
  formula: String.raw`p_i\propto\exp\!\left(-a\left(s(q,d_i)-s(q,\tilde d^+)-b\right)^2\right)`,
  exports: [
    "negatives/simans: simansLogWeights",
    "negatives/simans: simansWeights",
    "negatives/simans: sampleWithoutReplacement",
    "data/latent-intents: latentIntentWorld",
  ],
  notes: [
    'The offset has the sign of the formula. The authors\' code adds b to the difference of the scores, so that its b of 1 for Natural Questions centres one below the positive; and its script for MS MARCO passages draws by exp(−3 |s − s⁺|), the kernel "laplace".',
    "The authors' code draws several at once with replacement, drops repeats and draws again from the rest, which favours heavy candidates a little less; here each draw is from those that are left.",
    "The published a of 0.5 is for dot products of BERT vectors, whose spread is far larger than that of cosines. Sharpness and offset are chosen here from six pairs, k of the uniform draw from six sizes (three for the oracle), each together with the learning rate, by nDCG@10 on development queries of a world that no trial uses.",
    "Candidates are the 50 best of the towers after their first phase, mined once; negatives are drawn anew in every step.",
    "That ambiguous negatives are informative is measured by their force: how strongly a pair of a negative and its positive would be pushed apart, sigmoid of the difference of their scores over the temperature.",
  ],
};

const NEGATIVES = 4;
const TEMPERATURE = 0.05;

/** How an arm draws its negatives: sharpness and offset of SimANS, or the size of a uniform pool. */
interface Rule {
  a?: number;
  b?: number;
  k?: number;
}

/** Candidates for what an arm can choose. */
const rules: Record<string, Rule[]> = {
  simans: [50, 200].flatMap((a) => [-0.1, -0.2, -0.3].map((b) => ({ a, b }))),
  centred: [20, 50, 100, 200, 400, 800].map((a) => ({ a, b: 0 })),
  topK: [4, 8, 15, 25, 35, 50].map((k) => ({ k })),
  hardest: [{ k: NEGATIVES }],
  random: [{}],
  inBatch: [{}],
  oracle: [8, 25, 50].map((k) => ({ k })),
};

interface Settings {
  topics: number;
  warmSteps: number;
  steps: number;
  /** Candidates that are mined for each query. */
  depth: number;
  learningRates: number[];
}

const compare = (metric: string, better: "higher" | "lower", method: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method, baseline, better }));

export const study = defineStudy<Settings>({
  arms: {
    simans: "4 by a kernel whose centre lies below the positive's score, sharpness and offset chosen",
    centred: "4 by a kernel around the positive's score, as published, sharpness chosen",
    topK: "4 drawn uniformly from the top k, k chosen",
    hardest: "the 4 best candidates",
    random: "4 random documents",
    inBatch: "none but the other positives of the batch, for reference",
    oracle: "4 drawn uniformly from the top k without the false negatives, k chosen, for reference",
  },
  scales: {
    smoke: { topics: 10, warmSteps: 10, steps: 5, depth: 50, learningRates: [3e-3], seeds: 2 },
    default: { topics: 100, warmSteps: 400, steps: 300, depth: 50, learningRates: [1e-3, 3e-3], seeds: 6 },
    full: {
      topics: 300,
      warmSteps: 600,
      steps: 1500,
      depth: 100,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 12,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "MRR@10": "of test queries, the labelled document alone relevant",
    "false negatives": "share of the drawn negatives that are relevant (in-batch: of random documents)",
    force: "mean of sigmoid((s − s⁺) / τ) over the drawn negatives, before they are trained on",
  },
  curves: { "training loss": { x: "step", y: "InfoNCE with hard negatives, nats" } },
  claims: [
    {
      id: "ambiguous",
      statement:
        "Negatives near the positive's score, offset and sharpness chosen, train a better retriever than random ones and than uniform draws from the top k.",
      rule: "nDCG@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("nDCG@10", "higher", "simans", ["random", "topK"]),
    },
    {
      id: "centred",
      statement: "The same holds without an offset, with the centre at the positive's score itself.",
      rule: "As above.",
      comparisons: compare("nDCG@10", "higher", "centred", ["random", "topK"]),
    },
    {
      id: "informative-and-true",
      statement:
        "Ambiguous negatives are more informative than random ones, and fewer of them are false than of the 4 best candidates.",
      rule: "Force against random negatives, and the share of false negatives against the 4 best candidates, paired by seed. Supports if both 95 % intervals lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: [
        ...compare("force", "higher", "simans", ["random"]),
        ...compare("false negatives", "lower", "simans", ["hardest"]),
      ],
    },
  ],
  distance:
    "The paper continues to train AR2, towers of 110 million weights, on MS MARCO, Natural Questions and TriviaQA with 15 negatives of 100 candidates; here two-layer towers of 25,000 weights search 2,000 made-up documents of 1,000 intents, with 4 negatives of 50 candidates.",
  async run({ arm, seed, settings, report, signal }) {
    const { rule, learningRate } = await choose(arm, settings, signal);
    const towers = await train(arm, rule, settings, learningRate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    const data = world(seed, settings.topics);
    return { ...(await qualityOf(towers, data, data.test)), ...(await drawn(arm, rule, settings, seed)) };
  },
});

/** Draws a training query's negatives, anew at every call; undefined for an arm without any. */
async function sampler(arm: string, { a, b, k }: Rule, settings: Settings, seed: number) {
  if (arm === "inBatch") return undefined;
  const { train, documents, labelled } = world(seed, settings.topics);
  if (arm === "random")
    return (query: number, draw: Random) => {
      const positive = labelled[train.intents[query]!]!;
      // One more than is wanted, in case the positive is among them.
      const others = [...draw.sample(documents.count, NEGATIVES + 1)].filter((other) => other !== positive);
      return others.slice(0, NEGATIVES);
    };
  const mined = await mine(seed, settings);
  const pools = Array.from(mined.candidates, (all, query) => {
    const own = train.intents[query];
    const pool = arm === "oracle" ? all.filter(({ document }) => documents.intents[document] !== own) : all;
    const scores = pool.map(({ score }) => score);
    const logWeights =
      k === undefined
        ? simansLogWeights(scores, mined.positiveScores[query]!, { a, b })
        : scores.map((_, rank) => (rank < k ? 0 : Number.NEGATIVE_INFINITY));
    return { pool, logWeights };
  });
  return (query: number, draw: Random) => {
    const { pool, logWeights } = pools[query]!;
    return sampleWithoutReplacement(logWeights, NEGATIVES, draw).map((i) => pool[i]!.document);
  };
}

/** The candidates of every training query, by the towers after their first phase. */
const mine = remember(async (seed: number, { topics, warmSteps: steps, depth }: Settings) => {
  const data = world(seed, topics);
  const found = await candidatesOf(await warmTowers({ seed, topics, steps }), data, data.train, depth + 1);
  const candidates = Array.from({ length: data.train.count }, (_, query) =>
    negativesOf(found, query).slice(0, depth),
  );
  return { candidates, positiveScores: found.positiveScores };
}, 2);

async function train(
  arm: string,
  rule: Rule,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const { topics, warmSteps, steps } = settings;
  return trainTowers({
    world: world(seed, topics),
    seed,
    steps,
    learningRate,
    from: await warmTowers({ seed, topics, steps: warmSteps }),
    negatives: await sampler(arm, rule, settings, seed),
    signal,
    onStep: (step, _, loss) => onStep?.(step, loss),
  });
}

/** What an arm's negatives are like: one draw for every training query. */
async function drawn(arm: string, rule: Rule, settings: Settings, seed: number) {
  const data = world(seed, settings.topics);
  const towers = await warmTowers({ seed, topics: settings.topics, steps: settings.warmSteps });
  const [queries, documents] = await Promise.all([
    encodeRows(towers.query, data.train),
    encodeRows(towers.document, data.documents),
  ]);
  const negatives = (await sampler(arm === "inBatch" ? "random" : arm, rule, settings, seed))!;
  const draw = random(seed).split("measured draws");
  const { positiveScores } = await mine(seed, settings);
  const lists = Array.from(positiveScores, (_, query) => ({ query, documents: negatives(query, draw) }));
  const forces = lists.flatMap(({ query, documents: list }) =>
    list.map((document) => {
      const margin = positiveScores[query]! - dot(queries, query, documents, document);
      return 1 / (1 + Math.exp(margin / TEMPERATURE));
    }),
  );
  return {
    "false negatives": falseNegativeRate(data, lists),
    force: forces.reduce((sum, force) => sum + force, 0) / forces.length,
  };
}

function dot(a: Vectors, i: number, b: Vectors, j: number): number {
  let sum = 0;
  for (let c = 0; c < a.width; c++) sum += a.data[i * a.width + c]! * b.data[j * b.width + c]!;
  return sum;
}

/** An arm's rule and learning rate, by nDCG@10 on development queries. */
function choose(arm: string, settings: Settings, signal: AbortSignal) {
  const { learningRates, topics } = settings;
  const open = learningRates.length > 1 ? rules[arm]! : rules[arm]!.slice(0, 1);
  const candidates = open.flatMap((rule) => learningRates.map((learningRate) => ({ rule, learningRate })));
  return chooseOnce(["simans", arm, settings], candidates, async ({ rule, learningRate }) => {
    const towers = await train(arm, rule, settings, learningRate, TUNING_SEED, signal);
    const data = world(TUNING_SEED, topics);
    return (await qualityOf(towers, data, data.development))["nDCG@10"];
  });
}
