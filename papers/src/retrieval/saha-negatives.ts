import { sahaBlocks } from "nearmiss/negatives";
import { random } from "nearmiss/random";
import { denseIndex, type Vectors } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { encodeRows, falseNegativeRate, qualityOf, trainTowers, world } from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 88,
  slug: "saha-negatives",
  title:
    "From Generator to Embedder: Harnessing Innate Abilities of Multimodal LLMs via Building Zero-Shot Discriminative Embedding Model",
  year: 2025,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2508.00955",
  link: "https://arxiv.org/abs/2508.00955",
  code: "https://github.com/yeongjoonJu/Gen2Embed",
  summary:
    "Samples hard negatives offline from the untuned model's own embeddings. For an anchor query it gathers top-ranked documents together with the queries that own them, and keeps those whose owner queries resemble the anchor least, since a similar owner hints at a false negative. The owner pairs are trained as one block with InfoNCE. A two-level instruction prompt turns a generator into a zero-shot embedder.",
  claim:
    "Preferring hard documents with owner queries far from the anchor removes false negatives, and training on them retrieves better than training with random in-batch negatives. With a hierarchical prompt, a multimodal generator already gives usable embeddings before fine-tuning.",
  formula: String.raw`\mathcal N(q)=\operatorname*{arg\,min}_{S\subset C(q),\,|S|=k}\ \sum_{(q_j,d_j)\in S}q\cdot q_j,\quad C(q)=\text{owner pairs of the top hits by }q\cdot d`,
  exports: ["negatives/saha: sahaBlocks", "negatives/select: selectNegatives", "losses/contrastive: infoNCE"],
  notes: [
    "Only the sampler is built. The hierarchical prompt needs a multimodal model that follows instructions.",
    "The authors' code keeps for each query the row that it last stood in, so that a query with several documents can be emitted with another document than the one that was found. Here every query has one document, and the pair that was found is the pair that is trained.",
    "As in the authors' code, and other than its comments say, the second phase searches all documents again, with twice as many candidates, not an index of what is left over.",
    "All arms train on 64 pairs a step with plain InfoNCE at a temperature of 0.05 (0.02 in the paper), so that they encode equally many texts, and differ in which pairs stand in a batch together. Blocks with fewer pairs than the others are left out. Every ranking is 70 documents deep, twice the largest pool.",
    "The pool is chosen among 2, 3 and 5 times the number of members (the code's default is 5, its documentation runs 3), the ceiling of the positive's score among 95, 90 and 80 %, each together with the learning rate, by nDCG@10 on development queries of a world that no trial uses.",
    "The documents of an intent are all labelled here, by different queries of it: a document that another query of the same intent owns is a false negative that its owner gives away, the case that the method is made for.",
  ],
};

/** Candidates for what an arm can choose. */
const options: Record<string, { poolMultiplier?: number; ceiling?: number }[]> = {
  saha: [{ poolMultiplier: 2 }, { poolMultiplier: 3 }, { poolMultiplier: 5 }],
  naive: [{}],
  percentPos: [{ ceiling: 0.95 }, { ceiling: 0.9 }, { ceiling: 0.8 }],
  inBatch: [{}],
};

type Choice = (typeof options)[string][number];

interface Settings {
  topics: number;
  warmSteps: number;
  steps: number;
  /** Pairs in a block: an anchor and its members. */
  block: number;
  learningRates: number[];
}

const BATCH = 64;

const compare = (metric: string, better: "higher" | "lower", baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method: "saha", baseline, better }));

export const study = defineStudy<Settings>({
  arms: {
    saha: "blocks of hard pairs whose queries are unlike the anchor",
    naive: "blocks of the hardest pairs",
    percentPos: "blocks of the hardest pairs below a share of the positive's score",
    inBatch: "random pairs",
  },
  scales: {
    smoke: { topics: 10, warmSteps: 10, steps: 5, block: 8, learningRates: [3e-3], seeds: 2 },
    default: { topics: 100, warmSteps: 200, steps: 300, block: 8, learningRates: [1e-3, 3e-3], seeds: 8 },
    full: {
      topics: 300,
      warmSteps: 400,
      steps: 1500,
      block: 8,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 12,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "MRR@10": "of test queries, one document of the query's intent relevant",
    "false negatives":
      "share of the other documents of an anchor's block (of a random block's first pair) that are relevant to it",
    "query cosine": "mean cosine of the anchor and the other queries of its block, before training",
    "pairs in use": "share of the training pairs that stand in a full block",
  },
  curves: { "training loss": { x: "step", y: "in-batch InfoNCE, nats" } },
  claims: [
    {
      id: "retrieval",
      statement:
        "Blocks of hard pairs whose owner queries are unlike the anchor train a better retriever than random batches and than blocks of the hardest pairs.",
      rule: "nDCG@10 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("nDCG@10", "higher", ["inBatch", "naive"]),
    },
    {
      id: "false-negatives",
      statement: "Fewer of an anchor's hard documents are false negatives than among the hardest ones.",
      rule: "The share of false negatives, paired by seed. Supports if the 95 % interval of the reduction lies above 0, contradicts if below, else inconclusive.",
      comparisons: compare("false negatives", "lower", ["naive"]),
    },
    {
      id: "document-scores",
      statement:
        "Owner queries tell false negatives better than a ceiling tied to the positive's score does.",
      rule: "nDCG@10 as above, against blocks below the ceiling.",
      comparisons: compare("nDCG@10", "higher", ["percentPos"]),
    },
  ],
  distance:
    "The paper trains multimodal models of 2 to 8 billion weights on the 20 training sets of MMEB and judges them on its 36 tasks; here two-layer towers of 25,000 weights search 2,000 made-up documents of 1,000 intents.",
  async run({ arm, seed, settings, report, signal }) {
    const { choice, learningRate } = await choose(arm, settings, signal);
    const blocks = await blocksOf(arm, choice, settings, seed);
    const towers = await train(arm, blocks, settings, learningRate, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    const data = world(seed, settings.topics);
    const { queries } = await before(seed, settings);
    const label = labels(seed, settings);
    const cosines = blocks.flatMap(([anchor, ...members]) =>
      members.map((member) => dot(queries, anchor!, queries, member)),
    );
    return {
      ...(await qualityOf(towers, data, data.test)),
      "false negatives": falseNegativeRate(
        data,
        blocks.map(([query, ...members]) => ({ query: query!, documents: members.map(label) })),
      ),
      "query cosine": cosines.reduce((sum, value) => sum + value, 0) / cosines.length,
      "pairs in use": new Set(blocks.flat()).size / data.train.count,
    };
  },
});

/** The document of a training query: queries of one intent are spread over its documents. */
function labels(seed: number, { topics }: Settings): (query: number) => number {
  const { train, labelled, relevant } = world(seed, topics);
  const perIntent = train.count / labelled.length;
  return (query) => {
    const documents = relevant[train.intents[query]!]!;
    return documents[(query % perIntent) % documents.length]!;
  };
}

/** The towers before the blocks, after a first phase of random batches, and what they make of the training data. */
const before = remember(async (seed: number, settings: Settings) => {
  const { topics, warmSteps: steps } = settings;
  const data = world(seed, topics);
  const towers = await trainTowers({
    world: data,
    seed,
    steps,
    learningRate: 3e-3,
    positive: labels(seed, settings),
  });
  return {
    towers,
    queries: await encodeRows(towers.query, data.train),
    documents: await encodeRows(towers.document, data.documents),
  };
});

/** Blocks of training queries, the anchor first, all of the same size. */
async function blocksOf(arm: string, choice: Choice, settings: Settings, seed: number): Promise<number[][]> {
  const { queries, documents } = await before(seed, settings);
  const { block } = settings;
  const draw = random(seed).split("blocks");
  const label = labels(seed, settings);
  const all = Array.from({ length: queries.count }, (_, query) => query);
  if (arm === "inBatch") return chunks([...draw.permutation(queries.count)], block);
  const { ceiling = Number.POSITIVE_INFINITY, poolMultiplier = 1 } = choice;
  const found = await denseIndex(documents, { threads: 1 }).search(queries, DEPTH);
  const rankings = all.map((query) => {
    const highest = ceiling * dot(queries, query, documents, label(query));
    const at = Array.from({ length: found.width }, (_, rank) => query * found.width + rank);
    return at.filter((i) => found.scores[i]! <= highest).map((i) => found.documents[i]!);
  });
  return sahaBlocks(rankings, queries, all.map(label), {
    count: block - 1,
    poolMultiplier,
    sortByQuery: arm === "saha",
    random: draw,
  })
    .map(({ anchor, members }) => [anchor, ...members])
    .filter((queries) => queries.length === block);
}

/** Candidates of an anchor: twice those of the largest pool, as in the authors' code. */
const DEPTH = 70;

function dot(a: Vectors, i: number, b: Vectors, j: number): number {
  let sum = 0;
  for (let k = 0; k < a.width; k++) sum += a.data[i * a.width + k]! * b.data[j * b.width + k]!;
  return sum;
}

/** Full pieces of a list. */
const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.floor(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));

async function train(
  arm: string,
  blocks: number[][],
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const { topics, steps, block } = settings;
  const order = random(seed).split("order of blocks");
  const perBatch = Math.min(BATCH / block, blocks.length);
  const perEpoch = Math.floor(blocks.length / perBatch);
  // Random pairs meet others in each epoch, blocks stay together.
  const epoch = remember((number: number): number[][] => {
    const units = arm === "inBatch" ? chunks(order.split(number).shuffle(blocks.flat()), block) : blocks;
    return chunks(order.split(number).shuffle(units), perBatch).map((batch) => batch.flat());
  }, 1);
  return trainTowers({
    world: world(seed, topics),
    seed,
    steps,
    learningRate,
    from: (await before(seed, settings)).towers,
    positive: labels(seed, settings),
    batches: (step) => epoch(Math.floor(step / perEpoch))[step % perEpoch]!,
    signal,
    onStep: (step, _, loss) => onStep?.(step, loss),
  });
}

/** What an arm can choose, by nDCG@10 on development queries. */
function choose(arm: string, settings: Settings, signal: AbortSignal) {
  const candidates = options[arm]!.flatMap((choice) =>
    settings.learningRates.map((learningRate) => ({ choice, learningRate })),
  );
  // The smoke scale takes the first of all.
  const few = settings.learningRates.length === 1 ? candidates.slice(0, 1) : candidates;
  return chooseOnce(["saha-negatives", arm, settings], few, async ({ choice, learningRate }) => {
    const blocks = await blocksOf(arm, choice, settings, TUNING_SEED);
    const towers = await train(arm, blocks, settings, learningRate, TUNING_SEED, signal);
    const data = world(TUNING_SEED, settings.topics);
    return (await qualityOf(towers, data, data.development))["nDCG@10"];
  });
}
