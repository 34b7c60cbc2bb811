import { add, log, mean, multiply, negate, reshape, subtract, type Tensor } from "nearmiss";
import { absoluteError, lamp, squaredError, ssim } from "nearmiss/losses";
import { averagePrecision, rocAuc } from "nearmiss/metrics";
import { reconstructionScore } from "nearmiss/uncertainty";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  autoencoderTrainer,
  digitAnomalies,
  errorOfMeanRow,
  type ReconstructionLoss,
  sharpness,
} from "../tasks/anomaly.ts";

export const card: Card = {
  number: 185,
  slug: "lamp-anomaly",
  title:
    "Neural Network Training Strategy to Enhance Anomaly Detection Performance: A Perspective on Reconstruction Loss Amplification",
  year: 2023,
  family: "uncertainty",
  kind: "objective",
  arxiv: "2308.14595",
  link: "https://arxiv.org/abs/2308.14595",
  summary:
    "LAMP changes how an anomaly detector based on reconstruction is trained on normal data: an error e in [0, 1) is replaced by the negative log of 1 − e. Small errors are almost unchanged, while the gradient of large errors grows by the factor 1/(1 − e). The architecture and the way anomalies are scored stay as before.",
  claim:
    "Amplifying the reconstruction loss steepens the loss landscape, so the model generalises less to unseen anomalies and reconstructs them worse. The anomaly detection AUROC rises compared with the plain L2, L1 or SSIM loss on an unchanged architecture.",
  formula: String.raw`\ell_{\text{LAMP}}(e)=-\log(1-e)=e+\frac{e^2}{2}+\frac{e^3}{3}+\cdots,\qquad \frac{d\ell_{\text{LAMP}}}{de}=\frac{1}{1-e}`,
  exports: [
    "losses/reconstruction: lamp",
    "losses/reconstruction: ssim",
    "losses/regression: logAmplify",
    "uncertainty/anomaly: reconstructionScore",
    "uncertainty/anomaly: oneClassSplit",
    "metrics: rocAuc",
    "metrics: averagePrecision",
  ],
  notes: [
    "Whether the published loss amplifies each pixel's error or the mean error of an image could not be read where this was written; the verdict is about the form per pixel, the other is an arm. For SSIM, a measure of windows, only the form per image exists.",
    "Instead of clipping errors near 1, which would stop their gradient, the loss follows its tangent from an error of 0.999 on.",
    "The anomaly score is the plain mean squared error for all arms, so that arms differ in training only.",
    "Learning rates are chosen without anomalies: by the plain reconstruction error on unseen normal digits of the tuning seed, summed over digits 0 and 1 as fractions of the mean image's error.",
    "Amplified absolute error on black and white images is binary cross-entropy exactly, so cross-entropy is an arm.",
    "Steepness is the rise of the plain squared error on normal test digits, for all arms, half a filter-normalised radius away in five random directions. Measured in each arm's own loss, amplification would be steeper by its definition.",
  ],
};

const image = (x: Tensor) => reshape(x, [x.shape[0]!, 1, Math.sqrt(x.shape[1]!), Math.sqrt(x.shape[1]!)]);

const crossEntropy: ReconstructionLoss = (reconstructions, x) => {
  const logOf = (p: Tensor) => log(add(p, 1e-7));
  const ink = multiply(x, logOf(reconstructions));
  return mean(negate(add(ink, multiply(subtract(1, x), logOf(subtract(1, reconstructions))))));
};

const losses: Record<string, ReconstructionLoss> = {
  lampL2: lamp,
  L2: squaredError,
  lampL1: (a, b) => lamp(a, b, { base: "l1" }),
  L1: absoluteError,
  lampSSIM: (a, b) => lamp(image(a), image(b), { base: "ssim" }),
  SSIM: (a, b) => mean(multiply(subtract(1, ssim(image(a), image(b))), 0.5)),
  lampL2OfMean: (a, b) => lamp(a, b, { level: "sample" }),
  crossEntropy,
};

interface Settings {
  /** How many digits a seed takes, one after the other, as the normal one. */
  digits: number;
  size: 14 | 28;
  hidden: number[];
  train: number;
  validation: number;
  test: number;
  epochs: number;
  batchSize: number;
  learningRates: number[];
}

const compare = (metric: string, method: string, baseline: string) =>
  ({ metric, method, baseline, better: "higher" }) as const;

export const study = defineStudy<Settings>({
  arms: {
    lampL2: "amplified squared error of each pixel",
    L2: "mean squared error",
    lampL1: "amplified absolute error of each pixel",
    L1: "mean absolute error",
    lampSSIM: "amplified structural dissimilarity of each image",
    SSIM: "structural dissimilarity, (1 − SSIM) / 2",
    lampL2OfMean: "amplified mean squared error of each image",
    crossEntropy: "binary cross-entropy of each pixel",
  },
  scales: {
    smoke: {
      digits: 1,
      size: 14,
      hidden: [32, 8, 32],
      train: 100,
      validation: 50,
      test: 50,
      epochs: 2,
      batchSize: 50,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      digits: 4,
      size: 14,
      hidden: [64, 16, 64],
      train: 500,
      validation: 80,
      test: 250,
      epochs: 30,
      batchSize: 50,
      learningRates: [1e-3, 3e-3, 1e-2],
      seeds: 5,
    },
    full: {
      digits: 10,
      size: 28,
      hidden: [128, 16, 128],
      train: 500,
      validation: 80,
      test: 250,
      epochs: 100,
      batchSize: 50,
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2],
      seeds: 10,
    },
  },
  metrics: {
    AUROC: "chance that another digit scores above one of the normal kind, mean over the seed's digits",
    "average precision": "of the other digits among equally many normal ones, mean over the seed's digits",
    "normal error": "mean squared error on normal test digits over that of the mean training image",
    "anomaly error": "mean squared error on other digits over that of the mean training image on normal ones",
    sharpness: "rise of the mean squared error on normal test digits at half a filter-normalised radius",
  },
  curves: {
    "normal error": { x: "epoch", y: "error on unseen normal digits / mean image's error, first digit" },
  },
  claims: [
    {
      id: "auroc",
      statement: "Amplifying the squared error of each pixel detects anomalies better than squared error.",
      rule: "The difference of the mean AUROC over the seed's digits, paired by seed. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.",
      comparisons: [compare("AUROC", "lampL2", "L2")],
    },
    {
      id: "other-errors",
      statement: "Amplification helps other reconstruction errors too: absolute error and SSIM.",
      rule: "As for squared error. Supports if both intervals lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: [compare("AUROC", "lampL1", "L1"), compare("AUROC", "lampSSIM", "SSIM")],
    },
    {
      id: "mechanism",
      statement: "The amplified loss ends in a steeper place and gives anomalies back worse.",
      rule: "Differences of the sharpness and of the error on anomalies against squared error, paired by seed. Supports if both 95 % intervals lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: [compare("sharpness", "lampL2", "L2"), compare("anomaly error", "lampL2", "L2")],
    },
    {
      id: "cross-entropy",
      statement: "Amplified squared error detects anomalies better than binary cross-entropy does.",
      rule: "As for squared error, against cross-entropy.",
      comparisons: [compare("AUROC", "lampL2", "crossEntropy")],
    },
  ],
  distance:
    "The paper trains several families of convolutional autoencoders on industrial images with small defects, as in MVTec; here fully connected ones of 27,000 weights see 500 digits of one kind, 14 × 14 pixels, and other digits are the anomalies.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await bestRate(arm, settings, signal);
    const metrics: Record<string, number> = {};
    for (let index = 0; index < settings.digits; index++) {
      const task = load((seed * settings.digits + index) % 10, settings, seed);
      const scale = errorOfMeanRow(task);
      const model = await trainer(
        arm,
        settings,
      )({
        ...settings,
        task,
        learningRate,
        seed,
        signal,
        onEpoch: (epoch, error) => {
          report.progress((index + epoch / settings.epochs) / settings.digits);
          if (index === 0) report.point("normal error", epoch, error / scale);
        },
      });
      const { x, anomalous } = task.test;
      const scores = reconstructionScore(x, await model.reconstruct(x), { width: task.inputs });
      const meanScore = (kind: number) => average(scores.filter((_, i) => anomalous[i] === kind));
      const found = {
        AUROC: rocAuc(scores, anomalous),
        "average precision": averagePrecision(scores, anomalous),
        "normal error": meanScore(0) / scale,
        "anomaly error": meanScore(1) / scale,
        sharpness: await sharpness(model, x.subarray(0, settings.test * task.inputs), {
          radius: 0.5,
          directions: 5,
          seed,
        }),
      };
      for (const [name, value] of Object.entries(found))
        metrics[name] = (metrics[name] ?? 0) + value / settings.digits;
    }
    return metrics;
  },
});

const average = (x: Float64Array) => x.reduce((a, b) => a + b, 0) / x.length;

const load = (digit: number, { train, validation, test, size }: Settings, seed: number) =>
  digitAnomalies({ digit, role: "normal", size, train, validation, test, seed });

/** One compiled trainer for each loss. */
const trainer = remember((arm: string, { size, hidden, batchSize }: Settings) => {
  const inputs = size * size;
  return autoencoderTrainer([inputs, ...hidden, inputs], losses[arm]!, batchSize);
}, 8);

/** The learning rate with the lowest plain error on unseen normal digits, over two digits. */
function bestRate(arm: string, settings: Settings, signal: AbortSignal): Promise<number> {
  return chooseOnce(["lamp", arm, settings], settings.learningRates, async (learningRate) => {
    let error = 0;
    for (const digit of [0, 1]) {
      const task = load(digit, settings, TUNING_SEED);
      const options = { ...settings, task, learningRate, seed: TUNING_SEED, signal };
      error += (await trainer(arm, settings)(options)).error / errorOfMeanRow(task);
    }
    return -error;
  });
}
