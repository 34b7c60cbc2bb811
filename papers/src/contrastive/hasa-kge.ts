import {
  concat,
  fromData,
  greater,
  matmul,
  multiply,
  reshape,
  slice,
  sum,
  type Tensor,
  transpose,
} from "nearmiss";
import type { Triple } from "nearmiss/data";
import { candidateScores, hardDebiasedInfoNCE, linkLogisticLoss } from "nearmiss/losses";
import { linksOf, withinHops } from "nearmiss/negatives";
import type { Random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  answerByProduct,
  countryLinks,
  type LinkBatch,
  type LinkModel,
  type LinkTask,
  linkQuality,
  topEntities,
  trainLinks,
} from "../tasks/link-prediction.ts";

export const card: Card = {
  number: 100,
  slug: "hasa-kge",
  title: "HaSa: Hardness and Structure-Aware Contrastive Knowledge Graph Embedding",
  year: 2023,
  family: "contrastive",
  kind: "objective",
  arxiv: "2305.10563",
  link: "https://arxiv.org/abs/2305.10563",
  code: "https://github.com/honggen-zhang/HaSa-CKGE",
  summary:
    "Contrastive knowledge-graph embedding with hard negatives and a correction for facts missing from the graph. Negatives come from the batch and from the highest-scoring entities that are not known tails, weighted by hardness. Entities within two hops of the head stand in for false negatives, and their estimated mass is subtracted from the negative sum of a debiased InfoNCE loss.",
  claim:
    "The harder negative triples are, the more of them are false negatives, that is, true facts absent from the graph. Weighting by hardness and subtracting a structure-based estimate of the false ones raises MRR and Hits over knowledge-graph embedding with InfoNCE.",
  formula: String.raw`L=-\log\frac{e^{s^+-1}}{e^{s^+-1}+\frac{N}{1-\tau}\big[\sum_jw_je^{s_j}-\tau\sum_kv_ke^{f_k}\big]_+}`,
  exports: [
    "losses/knowledge-graph: hardDebiasedInfoNCE",
    "losses/knowledge-graph: linkLogisticLoss",
    "negatives/hops: withinHops",
    "data/knowledge-graph: countryGraph",
    "data/knowledge-graph: wordnetGraph",
    "metrics/filtered-ranking: filteredRank",
  ],
  notes: [
    "Entities have free vectors and questions are the products of head and relation (DistMult with relations read backwards), where the paper encodes texts with a language model and a recurrent network. The bank of entities is the table of vectors itself, never stale.",
    "The authors' code takes the factor N from the length of the vectors instead of the number of negatives; here it is the number. It also picks the hard tails of a fact at a wrong place of their list (i instead of i times their number) when it looks for false negatives; here each fact sees its own.",
    "Weights by the softmax of a row of scores divided by its length, as in the paper and code, are almost even for hundreds of negatives: the hardness comes from the mined tails. The library offers a softmax of the scores themselves too.",
    "Each arm has three settings, chosen by validation MRR: the prior and the learning rate for HaSa and its control, the learning rate for the others. In-batch InfoNCE has the same margin of 1 and no weight on known facts, so that it differs in its negatives alone.",
    "The graph is one of countries. A part of WordNet of equal size has 3.5 facts an entity, from which free vectors learn next to nothing (MRR below 0.04 on the data for choosing settings).",
    "A share of the true facts is hidden from training. They, the validation and the test facts are what counts as false negatives.",
  ],
};

const arms = {
  hasa: "hard tails, false ones estimated from two hops around the head",
  hasaRandom: "hard tails, false ones estimated from random entities",
  hard: "hard tails, no correction",
  inBatch: "InfoNCE with the heads and tails of the batch",
  uniform: "logistic loss with uniform negatives",
};
type Arm = keyof typeof arms;

interface Settings {
  hidden: number;
  width: number;
  batchSize: number;
  epochs: number;
  every: number;
  /** Mined tails of a fact, and entities that stand for false negatives. */
  hard: number;
  falseOnes: number;
  /** Uniform negatives of a fact. */
  uniform: number;
  /** How many of each arm's candidates are tried. */
  candidates: number;
}

interface Candidate {
  learningRate: number;
  prior: number;
}

const corrected: Candidate[] = [
  { learningRate: 3e-2, prior: 1e-3 },
  { learningRate: 3e-2, prior: 1e-2 },
  { learningRate: 1e-2, prior: 1e-2 },
];
const plain: Candidate[] = [3e-2, 1e-2, 1e-1].map((learningRate) => ({ learningRate, prior: 0 }));
const candidatesOf = (arm: string) => (arm.startsWith("hasa") ? corrected : plain);

const against = (metric: string, method: Arm, baseline: Arm) => ({
  metric,
  method,
  baseline,
  better: "higher" as const,
});

const settings = { hidden: 0.15, hard: 3, falseOnes: 3, uniform: 16 };

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      width: 8,
      batchSize: 64,
      epochs: 1,
      every: 1,
      candidates: 1,
      seeds: 2,
    },
    default: {
      ...settings,
      width: 32,
      batchSize: 128,
      epochs: 16,
      every: 4,
      candidates: 3,
      seeds: 6,
    },
    full: {
      ...settings,
      width: 64,
      batchSize: 256,
      epochs: 60,
      every: 10,
      candidates: 3,
      seeds: 5,
    },
  },
  metrics: {
    MRR: "mean reciprocal rank of the missing end of a test fact, both ends asked for, other true answers left out",
    "Hits@10": "share of these ranks that are at most 10",
    "false negatives":
      "share of an arm's negatives (mined tails where it mines, else all) that are true facts hidden from it, over training",
  },
  curves: { "training loss": { x: "fraction of training", y: "loss (each arm its own)" } },
  claims: [
    {
      id: "accuracy",
      statement:
        "HaSa predicts links better than hard negatives without correction and than in-batch InfoNCE.",
      rule: "The difference of MRR, paired by seed. Supports if its 95 % interval lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: [against("MRR", "hasa", "hard"), against("MRR", "hasa", "inBatch")],
    },
    {
      id: "structure",
      statement: "Entities near the head stand for false negatives better than random ones do.",
      rule: "Supports if the 95 % interval of the difference of MRR lies above 0, contradicts if below, else inconclusive.",
      comparisons: [against("MRR", "hasa", "hasaRandom")],
    },
    {
      id: "premise",
      statement: "Hard negatives are more often false than those of the batch.",
      rule: "Supports if the 95 % interval of the difference of the false negatives' share lies above 0, contradicts if below, else inconclusive.",
      comparisons: [against("false negatives", "hard", "inBatch")],
    },
  ],
  distance:
    "The paper trains language models on WN18RR (41,000 entities, 93,000 facts) and FB15k-237 (310,000 facts) in batches of 256; here vectors of length 32 learn some 1,000 facts over 600 countries, regions, languages and currencies, in batches of 128.",
  async run({ arm, seed, settings, report, signal }) {
    const { hidden, candidates } = settings;
    const taskOf = (from: number) => countryLinks(from, hidden);
    const train = (
      from: number,
      candidate: Candidate,
      onEpoch?: (fraction: number, loss: number) => void,
    ) => {
      const task = taskOf(from);
      const { prepare, counted } = preparation(arm as Arm, task, settings);
      return trainLinks({
        ...settings,
        learningRate: candidate.learningRate,
        task,
        seed: from,
        inverses: true,
        answer: answerByProduct,
        loss: (batch) => lossOf(arm as Arm, batch, settings, candidate.prior),
        prepare,
        signal,
        onEpoch,
      }).then((result) => ({ ...result, counted }));
    };
    const candidate = await chooseOnce(
      ["hasa", arm, settings],
      candidatesOf(arm).slice(0, candidates),
      async (option) => (await train(TUNING_SEED, option)).validation,
    );
    const { model, counted } = await train(seed, candidate, (fraction, loss) => {
      report.progress(fraction);
      report.point("training loss", fraction, loss);
    });
    return {
      ...linkQuality(model, taskOf(seed), "test", answerByProduct),
      "false negatives": counted.wrong / counted.all,
    };
  },
});

function lossOf(arm: Arm, batch: LinkBatch, { hard }: Settings, prior: number): Tensor {
  const { heads, relations, tails, others, numbers } = batch;
  const queries = multiply(heads, relations);
  const positive = sum(multiply(queries, tails), { axis: 1 });
  if (arm === "uniform") return linkLogisticLoss(positive, candidateScores(queries, others));
  const [n, k, width] = others.shape as [number, number, number];
  const part = (from: number, to: number) => slice(others, [null, [from, to]]);
  const columns =
    arm === "inBatch" ? [tails, heads] : [tails, heads, reshape(part(0, hard), [n * hard, width])];
  const negatives = matmul(queries, transpose(concat(columns)));
  const known = greater(numbers, 0);
  if (arm === "inBatch")
    return hardDebiasedInfoNCE(positive, negatives, reshape(positive, [n, 1]), {
      prior: 0,
      known,
      hardness: "uniform",
    });
  return hardDebiasedInfoNCE(positive, negatives, candidateScores(queries, part(hard, k)), { prior, known });
}

/** Further entities of each fact: mined tails, then what stands for false negatives; and the mask of known facts. */
function preparation(arm: Arm, task: LinkTask, settings: Settings) {
  const { hard, falseOnes, uniform } = settings;
  const count = task.graph.entities.length;
  const links = linksOf(
    count,
    task.train.map(([head, , tail]) => [head, tail]),
  );
  const near = new Map<number, number[]>();
  const neighbours = (head: number) => {
    if (!near.has(head)) near.set(head, withinHops(links, head, 2));
    return near.get(head)!;
  };
  // Enough that some are left once known tails are taken out.
  const search = topEntities(Math.min(count, 50));
  const counted = { wrong: 0, all: 0 };
  const countOne = (question: string, entity: number) => {
    counted.all++;
    if (task.true.get(question)!.has(entity)) counted.wrong++;
  };
  const prepare = async (facts: readonly Triple[], model: LinkModel, draw: Random) => {
    const questions = facts.map(([head, relation]) => `${head},${relation}`);
    const unknown = (row: number) => (entity: number) => !task.known.get(questions[row]!)!.has(entity);
    if (arm === "uniform") {
      const others = facts.flatMap((_, row) =>
        Array.from({ length: uniform }, () => {
          const entity = draw.integer(0, count);
          if (unknown(row)(entity)) countOne(questions[row]!, entity);
          return entity;
        }),
      );
      return { others: Int32Array.from(others), numbers: new Float32Array(facts.length) };
    }
    const mined = arm === "inBatch" ? [] : await mine(facts, model, count, search);
    const hardOf = mined.map((found, row) => {
      const left = found.filter(unknown(row)).slice(0, hard);
      for (const entity of left) countOne(questions[row]!, entity);
      while (left.length < hard) left.push(draw.integer(0, count));
      return left;
    });
    const columns = [...facts.map(([, , tail]) => tail), ...facts.map(([head]) => head), ...hardOf.flat()];
    const placesOf = new Map<number, number[]>();
    for (const [place, entity] of columns.entries())
      if (placesOf.has(entity)) placesOf.get(entity)!.push(place);
      else placesOf.set(entity, [place]);
    const numbers = new Float32Array(facts.length * columns.length);
    for (const [row, question] of questions.entries()) {
      for (const entity of task.known.get(question)!)
        for (const place of placesOf.get(entity) ?? []) numbers[row * columns.length + place] = 1;
      if (arm === "inBatch")
        for (const entity of columns) if (unknown(row)(entity)) countOne(question, entity);
    }
    if (arm === "inBatch") return { others: Int32Array.from(facts, ([head]) => head), numbers };
    const others = facts.flatMap(([head, , tail], row) => {
      const pool =
        arm === "hasaRandom"
          ? Array.from(draw.sample(count, Math.min(count, 4 * falseOnes)))
          : neighbours(head);
      const free = pool.filter(unknown(row));
      const first = free.filter((entity) => hardOf[row]!.includes(entity));
      const rest = draw.shuffle(free.filter((entity) => !first.includes(entity)));
      const chosen = [...first, ...rest].slice(0, falseOnes);
      // As the authors do where the neighbourhood is too small: known answers.
      while (chosen.length < falseOnes) chosen.push(tail);
      return [...hardOf[row]!, ...chosen];
    });
    return { others: Int32Array.from(others), numbers };
  };
  return { prepare, counted };
}

/** For each fact the entities with the highest scores as its tail, best first. */
async function mine(
  facts: readonly Triple[],
  { values: x, width }: LinkModel,
  count: number,
  search: (queries: Tensor, entities: Tensor) => Promise<Int32Array>,
): Promise<number[][]> {
  const queries = new Float32Array(facts.length * width);
  for (const [row, [head, relation]] of facts.entries())
    for (let i = 0; i < width; i++)
      queries[row * width + i] = x[head * width + i]! * x[(count + relation) * width + i]!;
  const found = await search(
    fromData(queries, [facts.length, width]),
    fromData(x.slice(0, count * width), [count, width]),
  );
  const k = found.length / facts.length;
  return facts.map((_, row) => Array.from(found.subarray(row * k, (row + 1) * k)));
}
