import { infoNCEOfScores, mannWhitneyInBatch, pairwiseLogisticInBatch } from "nearmiss/losses";
import { hitsAtK, mrrOfRanks, partialAuc, rocAuc } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  definitionPairs,
  type PairSize,
  type Pairs,
  type ScoreLoss,
  trainRetriever,
} from "../tasks/reverse-dictionary.ts";

export const card: Card = {
  number: 55,
  slug: "mann-whitney-loss",
  title: "Optimizing What Matters: AUC-Driven Learning for Robust Neural Retrieval",
  year: 2025,
  family: "retrieval",
  kind: "objective",
  arxiv: "2510.00137",
  link: "https://arxiv.org/abs/2510.00137",
  summary:
    "Trains a dense retriever with the logistic loss averaged over all differences between positive and negative scores in a batch, so each positive is compared with the negatives of every query and not only with its own. The similarities already computed for the batch are reused. Divided by ln 2, the loss is an upper bound on one minus AUC.",
  claim:
    "The softmax loss per query ignores a shift of all scores of one query, so any AUC below 1 can go with the same InfoNCE value. With encoder, batch and negatives unchanged, replacing InfoNCE by the Mann-Whitney loss raises AUC over all query-document scores and also helps ranking metrics.",
  formula: String.raw`L_{\mathrm{MW}}=\frac1{|P||M|}\sum_{p\in P}\sum_{n\in M}\log\big(1+e^{-(p-n)/\tau}\big),\qquad 1-\mathrm{AUC}\le\frac{L_{\mathrm{MW}}}{\ln2}`,
  exports: [
    "losses: mannWhitney",
    "losses: mannWhitneyInBatch",
    "metrics: rocAuc",
    "metrics: rocCurve",
    "metrics: partialAuc",
  ],
  notes: [
    "The paper leaves open whether score differences are scaled; here all losses divide cosines by a temperature that is chosen for each of them from one grid, once, by validation MRR on a seed that the study does not use.",
  ],
};

const arms: Record<string, { about: string; loss: (temperature: number) => ScoreLoss }> = {
  mannWhitney: {
    about: "logistic loss over every positive against the negatives of all queries",
    loss: (temperature) => (scores) => mannWhitneyInBatch(scores, { temperature }),
  },
  infoNCE: {
    about: "softmax over each query's candidates",
    loss: (temperature) => (scores) => infoNCEOfScores(scores, { temperature }),
  },
  pairwise: {
    about: "the same logistic loss, kept within each query",
    loss: (temperature) => (scores) => pairwiseLogisticInBatch(scores, { temperature }),
  },
};

interface Settings extends Omit<PairSize, "seed"> {
  batchSize: number;
  steps: number;
  width: number;
  learningRate: number;
  temperatures: number[];
}

const common = { batchSize: 64, width: 96, learningRate: 3e-3 };

export const study = defineStudy<Settings>({
  arms: Object.fromEntries(Object.entries(arms).map(([name, { about }]) => [name, about])),
  scales: {
    smoke: { ...common, train: 300, validation: 100, test: 100, steps: 10, temperatures: [0.05], seeds: 2 },
    default: {
      ...common,
      train: 8000,
      validation: 500,
      test: 500,
      steps: 200,
      temperatures: [0.02, 0.05, 0.1, 0.2],
      seeds: 5,
    },
    full: {
      ...common,
      train: 40_000,
      validation: 1000,
      test: 2000,
      batchSize: 128,
      steps: 2000,
      temperatures: [0.02, 0.05, 0.1, 0.2],
      seeds: 10,
    },
  },
  metrics: {
    AUC: "chance that a matching pair scores above a pair that does not match, over all queries together",
    "partial AUC": "the same within false-positive rates up to 1 %, as a fraction of its best value",
    MRR: "mean reciprocal rank of the right document among all test documents",
    "recall@10": "fraction of queries whose right document is among the first ten",
  },
  curves: { "training loss": { x: "step", y: "loss (scales differ between losses)" } },
  claims: [
    {
      id: "separation",
      statement:
        "The Mann-Whitney loss separates matching from other pairs better than InfoNCE, over all queries together.",
      rule: "Supports if the paired 95 % interval of the AUC difference lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "AUC", method: "mannWhitney", baseline: "infoNCE", better: "higher" }],
    },
    {
      id: "ranking",
      statement: "It also ranks better within queries.",
      rule: "Supports if the paired 95 % interval of the MRR difference lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "MRR", method: "mannWhitney", baseline: "infoNCE", better: "higher" }],
    },
  ],
  distance:
    "The paper trains transformer encoders on web-search questions and tests on public retrieval collections; here a bag-of-words encoder with 200,000 weights learns from 8,000 dictionary definitions and ranks 500 unseen entries.",
  async run({ arm, seed, settings, report, signal }) {
    const { loss } = arms[arm]!;
    const temperature = await chooseOnce(
      ["mann-whitney-loss", arm, settings],
      settings.temperatures,
      async (candidate) => {
        const { train, validation } = definitionPairs(sizeOf(settings, TUNING_SEED));
        const options = { ...settings, pairs: train, loss: loss(candidate), seed: TUNING_SEED, signal };
        return (await evaluate(await trainRetriever(options), validation)).MRR;
      },
    );
    const { train, test } = definitionPairs(sizeOf(settings, seed));
    const score = await trainRetriever({
      ...settings,
      pairs: train,
      loss: loss(temperature),
      seed,
      signal,
      onStep: (step, steps, value) => {
        report.progress(step / steps);
        if (step % 5 === 0) report.point("training loss", step, value);
      },
    });
    return evaluate(score, test);
  },
});

async function evaluate(score: Awaited<ReturnType<typeof trainRetriever>>, pairs: Pairs) {
  const { count } = pairs;
  const scores = await score(pairs);
  const matches = new Uint8Array(count * count);
  for (let i = 0; i < count; i++) matches[i * count + i] = 1;
  const ranks = Array.from({ length: count }, (_, query) => {
    const row = scores.subarray(query * count, (query + 1) * count);
    // Documents that tie with the right one count before it.
    return row.reduce(
      (rank, value, document) => rank + Number(document !== query && value >= row[query]!),
      1,
    );
  });
  return {
    AUC: rocAuc(scores, matches),
    "partial AUC": partialAuc(scores, matches, 0.01) / 0.01,
    MRR: mrrOfRanks(ranks),
    "recall@10": hitsAtK(ranks, 10),
  };
}

const sizeOf = ({ train, validation, test }: Settings, seed: number): PairSize => ({
  train,
  validation,
  test,
  seed,
});
