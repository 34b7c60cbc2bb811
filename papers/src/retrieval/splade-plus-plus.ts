import { expandDims, multiply, sum, type Tensor } from "nearmiss";
import { infoNCE, marginMSE } from "nearmiss/losses";
import type { Random } from "nearmiss/random";
import { denseIndex, evaluateRankings, expectedProducts } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  candidatesOf,
  encodeRows,
  negativesOf,
  qualityOf,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";
import {
  encodeSparse,
  type SparseLoss,
  type SparseTowers,
  trainSparseTowers,
} from "../tasks/latent-sparse.ts";

export const card: Card = {
  number: 179,
  slug: "splade-plus-plus",
  title: "From Distillation to Hard Negative Sampling: Making Sparse Neural IR Models More Effective",
  year: 2022,
  family: "retrieval",
  kind: "model",
  arxiv: "2205.04733",
  link: "https://arxiv.org/abs/2205.04733",
  code: "https://github.com/naver/splade",
  summary:
    "SPLADE++ represents a query or document by a sparse vector of vocabulary weights: a log-saturated ReLU of masked-LM logits, max-pooled over positions, with a FLOPS penalty that controls sparsity. It is trained with the tools of dense retrieval: margin distillation from a cross-encoder, negatives mined by the model itself or by an ensemble of retrievers, and an encoder pre-trained for retrieval.",
  claim:
    "Cross-encoder distillation, self-mined or mixed hard negatives and a better initial encoder each make a sparse expansion retriever more effective than SPLADE trained on BM25 negatives without a teacher. The gains add up. The cost per query stays controllable.",
  formula: String.raw`r_j=\max_{i\in x}\log\big(1+\operatorname{ReLU}(w_{ij})\big),\qquad \mathcal L_{\text{MarginMSE}}=\big((s^+-s^-)-(t^+-t^-)\big)^2`,
  exports: [
    "retrieval/sparse: spladePool",
    "retrieval/sparse: flopsLoss",
    "retrieval/sparse: quadraticRamp",
    "retrieval/sparse: expectedProducts",
    "retrieval/sparse: sparseIndex",
    "losses/list-distillation: marginMSE",
  ],
  notes: [
    "The study runs in a made-up world of vectors, not of words: towers give logits of 128 learnt terms at 3 positions, pooled as in the paper. There is no BM25, so another, weaker retriever stands for it: dense towers after 60 steps of training.",
    "The teacher is a pair of dense towers, trained four times as long with in-batch negatives, in place of a cross-encoder; its own nDCG@10 is shown as an arm. Its cosines are taken over the temperature 0.05.",
    "All arms are compared at one cost. The weight of the FLOPS regulariser is not ramped and fixed but steered in every step towards the same expected number of products; the library has the paper's ramp as quadraticRamp.",
    "The better initial encoder is a sparse retriever that has already been trained without hard negatives and without a teacher, for as many steps; it stands for pre-training on the corpus.",
    "Self-mined negatives come from the top 30 of the base model of the same seed, once; mixed negatives are drawn from its list and from the weaker retriever's with equal probability.",
    "At default scale all three claims are contradicted: distillation of single margins does worse than softmax over the batch (0.36 against 0.44 in nDCG@10), self-mined negatives make no difference that can be told, and only the better initial encoder helps (0.35 to 0.45). The paper distils encoders that are pre-trained, for a thousand times as many steps; 150 steps from random weights are few for a loss that sees one negative a query.",
  ],
};

interface Settings {
  topics: number;
  steps: number;
  /** Candidates of a list that negatives are drawn from. */
  depth: number;
  /** Expected products of a query and a document. */
  products: number;
  learningRates: number[];
}

interface Arm {
  about: string;
  negatives: ("weak" | "self")[];
  distilled: boolean;
  pretrained?: boolean;
}

const arms: Record<string, Arm> = {
  distilSelf: { about: "distilled, self-mined negatives", negatives: ["self"], distilled: true },
  base: { about: "negatives of a weaker retriever, no teacher", negatives: ["weak"], distilled: false },
  distil: { about: "distilled, negatives of a weaker retriever", negatives: ["weak"], distilled: true },
  self: { about: "self-mined negatives, no teacher", negatives: ["self"], distilled: false },
  mixed: { about: "distilled, negatives of both", negatives: ["weak", "self"], distilled: true },
  pretrained: {
    about: "distilled, self-mined negatives, from a trained sparse encoder",
    negatives: ["self"],
    distilled: true,
    pretrained: true,
  },
};

const gain = (method: string, baseline: string) => ({
  metric: "nDCG@10",
  method,
  baseline,
  better: "higher" as const,
});
const RULE =
  "nDCG@10, paired by seed, at one cost. Supports if the 95 % interval of the gain lies above 0 in every comparison, contradicts if below in one, else inconclusive.";

export const study = defineStudy<Settings>({
  arms: {
    ...Object.fromEntries(Object.entries(arms).map(([name, { about }]) => [name, about])),
    teacher: "the dense teacher, for reference",
  },
  scales: {
    smoke: { topics: 8, steps: 4, depth: 10, products: 10, learningRates: [3e-3], seeds: 2 },
    default: { topics: 60, steps: 150, depth: 30, products: 4, learningRates: [1e-3, 3e-3], seeds: 5 },
    full: {
      topics: 200,
      steps: 1000,
      depth: 50,
      products: 4,
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2],
      seeds: 10,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    products: "expected products in scoring a document for a query, over all test queries and documents",
  },
  curves: {
    "training loss": { x: "step", y: "the arm's ranking loss" },
    products: { x: "step", y: "expected products in the batch" },
  },
  claims: [
    {
      id: "together",
      statement: "Distillation and self-mined negatives together improve a sparse retriever.",
      rule: RULE,
      comparisons: [gain("distilSelf", "base")],
    },
    {
      id: "each",
      statement: "Each step alone improves it: a teacher, self-mined negatives, a better initial encoder.",
      rule: RULE,
      comparisons: [gain("distil", "base"), gain("self", "base"), gain("pretrained", "distilSelf")],
    },
    {
      id: "adding-up",
      statement: "The gains add up: both together are better than either alone.",
      rule: RULE,
      comparisons: [gain("distilSelf", "distil"), gain("distilSelf", "self")],
    },
  ],
  distance:
    "The paper fine-tunes DistilBERT for 150,000 steps of 128 on MS MARCO with 30,000 terms and tests on MS MARCO, TREC and BEIR; here towers of 58,000 weights learn 128 terms of a made-up world of 600 intents in 150 steps of 64.",
  async run({ arm, seed, settings, report, signal }) {
    const data = world(seed, settings.topics);
    if (arm === "teacher") {
      const towers = await warmTowers(teacherOf(seed, settings));
      return { "nDCG@10": (await qualityOf(towers, data, data.test))["nDCG@10"], products: 32 };
    }
    const rate = await rateOf(arm, settings, signal);
    const towers = await train(arm, settings, rate, seed, signal, (step, loss, products) => {
      report.progress(step / settings.steps);
      if (step % 5 === 0 || step === settings.steps) {
        report.point("training loss", step, loss);
        report.point("products", step, products);
      }
    });
    return judged(towers, seed, settings, "test");
  },
});

const teacherOf = (seed: number, { topics, steps }: Settings) => ({ seed, topics, steps: 4 * steps });

/** Learning rate by nDCG@10 on development queries. */
const rateOf = (arm: string, settings: Settings, signal: AbortSignal): Promise<number> =>
  chooseOnce(["splade-plus-plus", arm, settings], settings.learningRates, async (rate) => {
    const towers = await train(arm, settings, rate, TUNING_SEED, signal);
    return (await judged(towers, TUNING_SEED, settings, "development"))["nDCG@10"];
  });

/** In-batch softmax over inner products, to which each query adds its own mined negative. */
const contrastive: SparseLoss = ({ queries, positives, negatives }) =>
  infoNCE(queries, positives, { similarity: "dot", temperature: 1, negatives: expandDims(negatives, 1) });

const distillation: SparseLoss = ({ queries, positives, negatives, taught }) => {
  const score = (documents: Tensor) => sum(multiply(queries, documents), { axis: 1 });
  return marginMSE(score(positives), score(negatives), taught);
};

async function train(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal?: AbortSignal,
  onStep?: (step: number, loss: number, products: number) => void,
): Promise<SparseTowers> {
  const { negatives, distilled, pretrained = false } = arms[arm]!;
  const { topics, steps, products } = settings;
  const lists: ((query: number) => number[])[] = [];
  for (const source of negatives)
    lists.push(source === "weak" ? await weakList(seed, settings) : await ownList(seed, settings));
  return trainSparseTowers({
    world: world(seed, topics),
    seed,
    steps,
    learningRate,
    products,
    loss: distilled ? distillation : contrastive,
    ...(pretrained && { from: await inBatch(seed, settings) }),
    negative: (query, draw) => draw.choice(lists[draw.integer(0, lists.length)]!(query)),
    teacher: await teacherScores(seed, settings),
    ...(signal && { signal }),
    ...(onStep && { onStep }),
  });
}

/** What the weaker retriever finds for a training query, without its labelled document. */
const weakList = remember(async (seed: number, { topics, depth }: Settings) => {
  const data = world(seed, topics);
  const towers = await warmTowers({ seed, topics, steps: 60 });
  const found = await candidatesOf(towers, data, data.train, depth);
  return (query: number) => negativesOf(found, query).map(({ document }) => document);
}, 2);

/** What the base model finds for a training query. */
const ownList = remember(async (seed: number, settings: Settings) => {
  const { train: queries, documents, labelled } = world(seed, settings.topics);
  const rate = await rateOf("base", settings, new AbortController().signal);
  const towers = await train("base", settings, rate, seed);
  const index = denseIndex(await encodeSparse(towers.document, documents), { similarity: "dot", threads: 1 });
  const { documents: found, width } = await index.search(
    await encodeSparse(towers.query, queries),
    settings.depth,
  );
  return (query: number) =>
    Array.from(found.subarray(query * width, (query + 1) * width)).filter(
      (document) => document !== labelled[queries.intents[query]!],
    );
}, 2);

/** A sparse encoder that has been trained on in-batch negatives alone. */
const inBatch = remember((seed: number, { topics, steps, products }: Settings) => {
  const data = world(seed, topics);
  return trainSparseTowers({
    world: data,
    seed,
    steps,
    learningRate: 3e-3,
    products,
    loss: ({ queries, positives }) => infoNCE(queries, positives, { similarity: "dot", temperature: 1 }),
    negative: (_: number, draw: Random) => draw.integer(0, data.documents.count),
    teacher: () => 0,
  });
}, 2);

/** The teacher's score of a training query and a document. */
const teacherScores = remember(async (seed: number, settings: Settings) => {
  const { train: rows, documents: cards } = world(seed, settings.topics);
  const towers = await warmTowers(teacherOf(seed, settings));
  const [queries, documents] = [
    await encodeRows(towers.query, rows),
    await encodeRows(towers.document, cards),
  ];
  return (query: number, document: number) => {
    let total = 0;
    for (let i = 0; i < queries.width; i++)
      total += queries.data[query * queries.width + i]! * documents.data[document * documents.width + i]!;
    return total / 0.05;
  };
}, 2);

async function judged(towers: SparseTowers, seed: number, settings: Settings, part: "development" | "test") {
  const data = world(seed, settings.topics);
  const [queries, documents] = [
    await encodeSparse(towers.query, data[part]),
    await encodeSparse(towers.document, data.documents),
  ];
  const index = denseIndex(documents, { similarity: "dot", threads: 1 });
  const { documents: found, width } = await index.search(queries, 10);
  const scores = evaluateRankings(
    Array.from({ length: queries.count }, (_, query) => found.subarray(query * width, (query + 1) * width)),
    Array.from(data[part].intents, (intent) => new Map(data.relevant[intent]!.map((d) => [d, 1]))),
  )["nDCG@10"];
  return {
    "nDCG@10": scores.reduce((total, score) => total + score, 0) / scores.length,
    products: expectedProducts(queries, documents),
  };
}
