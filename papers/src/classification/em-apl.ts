import { assumeNegative, bceWithLogits, entropyMaximization } from "nearmiss/losses";
import { macroAveragePrecision } from "nearmiss/metrics";
import { asymmetricPseudoLabels, type PseudoLabels } from "nearmiss/negatives";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  CLASSES,
  type DigitGrids,
  digitGrids,
  type GridOptions,
  trainOnGrids,
} from "../tasks/digit-grids.ts";

export const card: Card = {
  number: 38,
  slug: "em-apl",
  title: "Acknowledging the Unknown for Multi-label Learning with Single Positive Labels",
  year: 2022,
  family: "classification",
  kind: "objective",
  arxiv: "2203.16219",
  link: "https://arxiv.org/abs/2203.16219",
  code: "https://github.com/Correr-Zhou/SPML-AckTheUnknown",
  summary:
    "Each training example has one known positive label and all others are unknown. The known label gets the usual log loss, and unknown labels are pushed gently toward higher entropy instead of being treated as negatives. After a warm-up, the lowest-scoring unknown entries of each class are stored as soft negative pseudo-labels in every epoch, and no positive ones are made.",
  claim:
    "With a single observed positive per example, entropy maximisation on unknown labels raises mAP over assuming that they are negative. Adding cautious negative pseudo-labels raises it further, toward training with full labels.",
  formula: String.raw`\mathcal L_{\text{EM}}=\frac1{BC}\sum_{i,c}\left(-\mathbb 1[s_{ic}=1]\log p_{ic}-\mathbb 1[s_{ic}=0]\,\alpha H(p_{ic})\right)`,
  exports: [
    "losses/single-positive: entropyMaximization",
    "losses/single-positive: assumeNegative",
    "negatives/asymmetric-pseudo-labels: asymmetricPseudoLabels",
    "losses/multilabel: bceWithLogits",
    "metrics/multilabel: macroAveragePrecision",
  ],
  notes: [
    "The official code adds 1e-5 inside its logarithms. Here the losses are written in logits and exact.",
    "The official code labels after each epoch from W to E; what it labels after the last one is never trained on. So E - W rounds count, as in the paper.",
    "The official code stops at the first epoch that is no better in mAP on fully labelled validation data. Here all arms train for all epochs and the last one counts; learning rates and weights are chosen on fully labelled validation data, as in the paper, with four candidates for each arm.",
    "In these pictures 27 % of the unknown labels are positive, many more than in photographs, so that labelling 90 % of them as negative must err; the paper's proportion is kept.",
    "Entropy maximisation with pseudo-labels keeps learning rate and α of entropy maximisation and has β chosen out of the paper's four values.",
  ],
};

const arms = {
  emApl: "entropy maximisation, then soft negative pseudo-labels",
  em: "entropy maximisation of unknown labels",
  assumeNegative: "cross-entropy with unknown labels as negative",
  smoothed: "the same with smoothed labels",
  full: "cross-entropy on all labels, the ceiling",
};

interface Settings {
  train: number;
  validation: number;
  test: number;
  epochs: number;
  /** W: after so many epochs pseudo-labels begin. */
  warmUp: number;
  batchSize: number;
  /** First of the two, then four, learning rates to choose from. */
  learningRates: number[];
  alphas: number[];
  betas: number[];
  smoothings: number[];
}

const settings: Settings = {
  train: 3000,
  validation: 500,
  test: 1000,
  epochs: 16,
  warmUp: 8,
  batchSize: 100,
  learningRates: [1e-3, 4e-3, 2e-3, 8e-3],
  alphas: [0.1, 0.2],
  betas: [0.02, 0.2, 0.4, 0.9],
  smoothings: [0.1, 0.2],
};

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      train: 200,
      validation: 50,
      test: 100,
      epochs: 2,
      warmUp: 1,
      learningRates: [1e-3],
      alphas: [0.1],
      betas: [0.4],
      smoothings: [0.1],
      seeds: 2,
    },
    default: { ...settings, seeds: 6 },
    full: {
      ...settings,
      train: 10_000,
      epochs: 40,
      warmUp: 20,
      alphas: [0.01, 0.05, 0.1, 0.2, 0.5],
      seeds: 20,
    },
  },
  metrics: {
    mAP: "average precision on test pictures after the last epoch, mean over the ten digits",
    "best mAP": "the same after the best epoch",
    "hidden positives": "mean probability of training labels that are positive and not known to be",
    negatives: "mean probability of training labels that are negative",
    "wrong pseudo-labels":
      "fraction of the negative pseudo-labels that hide a positive; 0 in arms without any",
  },
  curves: { mAP: { x: "epoch", y: "mean average precision on test pictures" } },
  claims: [
    {
      id: "entropy",
      statement: "Entropy maximisation has a higher mAP than taking unknown labels for negative.",
      rule: "The difference of mAP after the last epoch, paired by seed, to cross-entropy with and without smoothing. Supports if both 95 % intervals lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: ["assumeNegative", "smoothed"].map((baseline) => ({
        metric: "mAP",
        method: "em",
        baseline,
        better: "higher",
      })),
    },
    {
      id: "pseudo-labels",
      statement: "Asymmetric pseudo-labels raise the mAP further.",
      rule: "As for entropy maximisation, with pseudo-labels against without.",
      comparisons: [{ metric: "mAP", method: "emApl", baseline: "em", better: "higher" }],
    },
    {
      id: "both",
      statement: "Together they have a higher mAP than taking unknown labels for negative.",
      rule: "As for entropy maximisation.",
      comparisons: ["assumeNegative", "smoothed"].map((baseline) => ({
        metric: "mAP",
        method: "emApl",
        baseline,
        better: "higher",
      })),
    },
  ],
  distance:
    "The paper fine-tunes a ResNet-50 on photographs (VOC, COCO, NUS-WIDE, CUB) with up to 312 labels; here a network of 17,000 weights is trained from scratch on 3,000 pictures of four handwritten digits, with 10 labels that do not depend on each other.",
  async run({ arm, seed, settings, report, signal }) {
    const { test, train } = digitGrids({ ...settings, seed });
    const choice = await choose(arm, settings, signal);
    let best = 0;
    const { probabilities, pseudo } = await trainArm(
      arm,
      choice,
      settings,
      seed,
      signal,
      async (epoch, score) => {
        const mAP = meanAveragePrecision(await score(test.images), test);
        best = Math.max(best, mAP);
        report.progress(epoch / settings.epochs);
        report.point("mAP", epoch, mAP);
      },
    );
    const scores = await probabilities(train.images);
    const meanWhere = (chosen: (at: number) => boolean, value: (at: number) => number) => {
      const found = Array.from(scores.keys()).filter(chosen);
      return found.length === 0 ? 0 : found.reduce((sum, at) => sum + value(at), 0) / found.length;
    };
    return {
      mAP: meanAveragePrecision(await probabilities(test.images), test),
      "best mAP": best,
      "hidden positives": meanWhere(
        (at) => train.labels[at] === 1 && !train.observed[at],
        (at) => scores[at]!,
      ),
      negatives: meanWhere(
        (at) => train.labels[at] === 0,
        (at) => scores[at]!,
      ),
      "wrong pseudo-labels": meanWhere(
        (at) => pseudo?.chosen[at] === 1,
        (at) => train.labels[at]!,
      ),
    };
  },
});

const meanAveragePrecision = (scores: Float32Array, { labels }: DigitGrids) =>
  macroAveragePrecision(scores, labels, CLASSES);

interface Choice {
  learningRate: number;
  alpha?: number;
  beta?: number;
  smoothing?: number;
}

async function trainArm(
  arm: string,
  { learningRate, alpha, beta, smoothing }: Choice,
  settings: Settings,
  seed: number,
  signal: AbortSignal,
  onEpoch?: (epoch: number, score: (images: Float32Array) => Promise<Float32Array>) => Promise<void>,
) {
  const { train } = digitGrids({ ...settings, seed });
  const losses: Record<string, GridOptions["loss"]> = {
    emApl: (logits, { observed, chosen, targets }) =>
      entropyMaximization(logits, observed, { alpha, beta, pseudoLabels: { chosen, targets } }),
    em: (logits, { observed }) => entropyMaximization(logits, observed, { alpha }),
    assumeNegative: (logits, { observed }) => assumeNegative(logits, observed),
    smoothed: (logits, { observed }) => assumeNegative(logits, observed, { smoothing }),
    full: (logits, { labels }) => bceWithLogits(logits, labels),
  };
  let pseudo: PseudoLabels | undefined;
  const { epochs, warmUp } = settings;
  const probabilities = await trainOnGrids({
    ...settings,
    train,
    loss: losses[arm]!,
    learningRate,
    seed,
    signal,
    onEpoch: async (epoch, score) => {
      await onEpoch?.(epoch, score);
      if (arm === "emApl" && epoch >= warmUp && epoch < epochs)
        pseudo = asymmetricPseudoLabels(await score(train.images), train.observed, {
          classes: CLASSES,
          rounds: epochs - warmUp,
          previous: pseudo,
        });
      return pseudo;
    },
  });
  return { probabilities, pseudo };
}

/** By mAP on fully labelled validation pictures, out of four candidates an arm. */
async function choose(arm: string, settings: Settings, signal: AbortSignal): Promise<Choice> {
  const { learningRates, alphas, betas, smoothings } = settings;
  const two = learningRates.slice(0, 2);
  const candidates: Choice[] =
    arm === "emApl"
      ? await choose("em", settings, signal).then((em) => betas.map((beta) => ({ ...em, beta })))
      : arm === "em"
        ? two.flatMap((learningRate) => alphas.map((alpha) => ({ learningRate, alpha })))
        : arm === "smoothed"
          ? two.flatMap((learningRate) => smoothings.map((smoothing) => ({ learningRate, smoothing })))
          : learningRates.map((learningRate) => ({ learningRate }));
  return chooseOnce(["em-apl", arm, settings], candidates, async (choice) => {
    const { probabilities } = await trainArm(arm, choice, settings, TUNING_SEED, signal);
    const { validation } = digitGrids({ ...settings, seed: TUNING_SEED });
    return meanAveragePrecision(await probabilities(validation.images), validation);
  });
}
