import { accuracy, argMax } from "nearmiss/metrics";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { noWorseBy } from "../decide.ts";
import { defineStudy } from "../study.ts";
import {
  chainByBackPropagation,
  digits,
  forwardForward,
  noProp,
  oneBlock,
  targetPropagation,
  trainLearner,
} from "../tasks/local-learning.ts";

export const card: Card = {
  number: 191,
  slug: "noprop",
  title: "NoProp: Training Neural Networks without Back-propagation or Forward-propagation",
  year: 2025,
  family: "inference",
  kind: "algorithm",
  arxiv: "2503.24322",
  link: "https://arxiv.org/abs/2503.24322",
  summary:
    "NoProp treats each block of a network as a denoiser: given the input and a noised label embedding, it predicts the clean embedding and is updated by its own local loss, with no signal between blocks. Prediction starts from Gaussian noise, passes it through the blocks in sequence, and reads the class from the last state with a linear head. Continuous-time and flow-matching variants exist.",
  claim:
    "Blocks trained alone to denoise label embeddings reach accuracy close to end-to-end back-propagation on MNIST and CIFAR. They exceed earlier methods without back-propagation such as Forward-Forward and difference target propagation. Training needs less memory.",
  formula: String.raw`\mathcal L_t=\frac{T\eta}{2}\big(\operatorname{SNR}_t-\operatorname{SNR}_{t-1}\big)\,\mathbb E\big\lVert\hat u_{\theta_t}(z_{t-1},x)-u_y\big\rVert^2,\quad \operatorname{SNR}_t=\frac{\bar\alpha_t}{1-\bar\alpha_t}`,
  exports: [
    "inference/noprop: risingCosineSchedule",
    "inference/noprop: noPropSteps",
    "inference/noprop: noisedEmbeddings",
    "inference/noprop: noPropLoss",
    "inference/noprop: noPropPrior",
    "inference/noprop: noPropChain",
    "generative/flow-matching: flowMatching",
  ],
  notes: [
    "The discrete-time method is studied, with one-hot embeddings, for which the prior's term is constant. Its flow-matching variant is the library's flowMatching with label embeddings as data; the continuous-time one with a learned schedule is left out.",
    "All blocks are updated in the same step, from batches that hold a noised state for each. No gradient passes between them, so this equals training them one after the other. With AdamW and fixed embeddings a block's weight in the loss cancels.",
    "The schedule ends at a signal of 0.99, not 1: at 1 the last block's weight is infinite.",
    "The head starts as ten times the identity, for NoProp and for back-propagation through the chain: from small random weights the head learned too slowly for either in so few steps (seen on a seed that the study does not use, as were the sizes and rates, before the settings were fixed).",
    "Forward-Forward gets the label as ten inputs beside the image, random wrong labels as negatives, a threshold of 2, and rows normalised to a mean square of 1. Target propagation uses tanh layers and a first step of 0.5.",
    "The claim about memory is not tested: a block's update needs only that block's activations, a tenth of the chain's, which follows from the design.",
    "Default run: 0.893 against 0.899 for back-propagation through the chain (interval of the difference -0.017 to 0.005: inconclusive), above Forward-Forward by 0.009 (0.003 to 0.016), below target propagation by 0.028 (0.021 to 0.035) and below one plain block by 0.022 (0.008 to 0.036). The chain adds nothing here: the first blocks answer best, later ones trust a state that in training came from the label, and noise on the way draws from the beliefs where taking the likeliest digit would err less.",
  ],
};

interface Settings {
  train: number;
  validation: number;
  test: number;
  blocks: number;
  width: number;
  /** Of the two layers of Forward-Forward and target propagation. */
  layerWidth: number;
  epochs: number;
  batchSize: number;
  weightDecay: number;
  learningRates: number[];
}

const learner = (arm: string, { blocks, width, layerWidth }: Settings) => {
  if (arm === "noProp") return noProp(blocks, width);
  if (arm === "backPropagation") return chainByBackPropagation(blocks, width);
  if (arm === "forwardForward") return forwardForward([layerWidth, layerWidth]);
  if (arm === "targetPropagation") return targetPropagation([layerWidth, layerWidth]);
  return oneBlock(width);
};

export const study = defineStudy<Settings>({
  arms: {
    noProp: "a chain of blocks, each trained alone to denoise the label's one-hot embedding",
    backPropagation: "the same chain from noise, trained end to end by cross-entropy",
    forwardForward: "two layers that tell right from wrong labels by their activity",
    targetPropagation: "two layers with targets from learned inverses (difference target propagation)",
    oneBlock: "a control: one block as a plain classifier, trained by cross-entropy",
  },
  scales: {
    smoke: {
      train: 200,
      validation: 50,
      test: 200,
      blocks: 3,
      width: 8,
      layerWidth: 16,
      epochs: 2,
      batchSize: 50,
      weightDecay: 1e-3,
      learningRates: [1e-2],
      seeds: 1,
    },
    default: {
      train: 3000,
      validation: 1000,
      test: 2000,
      blocks: 10,
      width: 32,
      layerWidth: 128,
      epochs: 10,
      batchSize: 100,
      weightDecay: 1e-3,
      learningRates: [3e-3, 1e-2, 3e-2],
      seeds: 5,
    },
    full: {
      train: 6000,
      validation: 2000,
      test: 2000,
      blocks: 10,
      width: 128,
      layerWidth: 500,
      epochs: 100,
      batchSize: 100,
      weightDecay: 1e-3,
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2, 3e-2],
      seeds: 10,
    },
  },
  metrics: { accuracy: "fraction of test digits classified correctly, chains run once from noise" },
  curves: {
    "accuracy on the way": { x: "block", y: "accuracy of its own prediction on test digits" },
    "training loss": { x: "step", y: "loss, on a scale of each arm's own" },
  },
  claims: [
    {
      id: "close",
      statement:
        "NoProp is at most 1.5 points less accurate than the same chain trained by back-propagation.",
      rule: "Supports if the paired 95 % interval of the difference in accuracy lies above −0.015, contradicts if it lies below, else inconclusive.",
      comparisons: [{ metric: "accuracy", method: "noProp", baseline: "backPropagation", better: "higher" }],
      decide: noWorseBy(0.015),
    },
    {
      id: "above local learning",
      statement: "NoProp is more accurate than Forward-Forward and than difference target propagation.",
      rule: "Supports if both paired 95 % intervals lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: ["forwardForward", "targetPropagation"].map((baseline) => ({
        metric: "accuracy",
        method: "noProp",
        baseline,
        better: "higher" as const,
      })),
    },
    {
      id: "chain",
      statement: "The chain of blocks is more accurate than one block that is trained as a plain classifier.",
      rule: "As before, with the control. The paper does not claim it; without it the chain adds nothing.",
      comparisons: [{ metric: "accuracy", method: "noProp", baseline: "oneBlock", better: "higher" }],
    },
  ],
  distance:
    "The paper trains on the 60,000 digits of MNIST and on CIFAR-10 and CIFAR-100 for 100 epochs and more, with convolutional blocks, and reaches 99.5 % on MNIST. Here ten blocks of two layers of 32 units learn 3,000 digits of 14 by 14 pixels in 300 steps, and the other learners have two layers of 128.",
  async run({ arm, seed, settings, report, signal }) {
    const { train, validation, test, learningRates } = settings;
    const trained = (learningRate: number, data: ReturnType<typeof digits>, seed: number) =>
      // biome-ignore lint/suspicious/noExplicitAny: each learner has parameters of its own form
      trainLearner<any>(learner(arm, settings), {
        ...settings,
        train: data.train,
        learningRate,
        seed,
        signal,
        onStep: (step, steps, loss) => {
          if (seed === TUNING_SEED) return;
          report.progress(step / steps);
          report.point("training loss", step, loss);
        },
      });
    const accuracies = async (
      predict: Awaited<ReturnType<typeof trained>>,
      { images, labels }: ReturnType<typeof digits>["test"],
      seed: number,
    ) => {
      const scores = await predict(images, random(seed).split("chain"));
      return scores.map((rows) => accuracy(argMax(rows, 10), labels));
    };
    const learningRate = await chooseOnce(["noprop", arm, settings], learningRates, async (rate) => {
      const data = digits({ train, validation, test, seed: TUNING_SEED });
      const predict = await trained(rate, data, TUNING_SEED);
      return (await accuracies(predict, data.validation, TUNING_SEED)).at(-1)!;
    });
    const data = digits({ train, validation, test, seed });
    const each = await accuracies(await trained(learningRate, data, seed), data.test, seed);
    for (const [i, value] of each.slice(0, -1).entries()) report.point("accuracy on the way", i + 1, value);
    return { accuracy: each.at(-1)! };
  },
});
