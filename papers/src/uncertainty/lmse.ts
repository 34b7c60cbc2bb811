import { logMSE, squaredError } from "nearmiss/losses";
import { rocAuc } from "nearmiss/metrics";
import { reconstructionScore } from "nearmiss/uncertainty";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  type AnomalyTask,
  autoencoderTrainer,
  digitAnomalies,
  errorOfMeanRow,
  type ReconstructionLoss,
  sensorAnomalies,
} from "../tasks/anomaly.ts";

export const card: Card = {
  number: 62,
  slug: "lmse",
  title: "Concise Logarithmic Loss Function for Robust Training of Anomaly Detection Model",
  year: 2022,
  family: "uncertainty",
  kind: "objective",
  arxiv: "2201.05748",
  link: "https://arxiv.org/abs/2201.05748",
  summary:
    "Passes the squared reconstruction error of an autoencoder through a logarithm, so that large errors receive a much steeper gradient. In the form given here, for inputs and outputs in [0,1], the loss agrees with mean squared error near zero and its slope grows like 2e/(1-e²). The model is trained on normal data only, and its reconstruction error is the anomaly score.",
  claim:
    "Autoencoders for anomaly detection trained with the logarithmic loss converge more reliably than with mean squared error. They also reach a higher AUROC when reconstruction error is used to separate anomalous from normal samples.",
  formula: String.raw`\mathrm{LMSE}=\frac1D\sum_{d=1}^{D}-\log\big(1-e_d^2+\epsilon\big),\quad e=y-\hat y`,
  exports: [
    "losses/regression: logMSE",
    "losses/regression: logAmplify",
    "uncertainty/anomaly: reconstructionScore",
  ],
  notes: [
    "The paper's formula could not be read where this was written. The form -log(1 - e²) is chosen because it has the steepening that the abstract describes and because the author's later loss amplification uses it. Whether the logarithm is taken of each pixel or of the mean is unknown, so both are arms; the verdict is about the form per pixel.",
    "Beyond an error of 1, which a sigmoid output cannot reach, the loss goes on along its tangent instead of becoming undefined.",
    "The anomaly score is the plain mean squared error for all arms, so that arms differ in training only.",
    "Convergence is counted as epochs until the error on unseen normal rows is below 60 % of that of always giving back the mean training row. Never reaching it counts as one epoch more than there are. The target was set on the tuning seed with the mean squared error alone.",
    "Adam divides a constant factor of the gradient away; what differs between the losses is the weight of large against small errors.",
    "Contaminated training sets are reported and decide nothing: the loss weighs outliers more, so it could be hurt by them.",
  ],
};

const losses: Record<string, ReconstructionLoss> = {
  logMSE,
  MSE: squaredError,
  logMSEOfMean: (reconstructions, x) => logMSE(reconstructions, x, { form: "mean" }),
};

interface Settings {
  tasks: string[];
  size: 14 | 28;
  hidden: number[];
  train: number;
  validation: number;
  test: number;
  epochs: number;
  batchSize: number;
  learningRates: number[];
}

/** Share of the mean row's error that counts as converged. */
const TARGET = 0.6;
const CONTAMINATION = 0.05;

const explained = {
  AUROC: "chance that an anomaly scores above a normal row, mean over tasks at each one's best learning rate",
  "epochs to target":
    "epochs until the error on unseen normal rows is below 60 % of the mean row's, mean over tasks and all learning rates",
  "failure share": "share of tasks and learning rates that never reach that target",
  "relative error": "error on unseen normal rows over that of the mean row, at the best learning rate",
  "AUROC, contaminated": "as AUROC, where 5 % of the training rows are anomalies",
};

export const study = defineStudy<Settings>({
  arms: {
    logMSE: "logarithmic loss of each pixel",
    MSE: "mean squared error",
    logMSEOfMean: "logarithmic loss of each example's mean squared error",
  },
  scales: {
    smoke: {
      tasks: ["digit 8"],
      size: 14,
      hidden: [32, 8, 32],
      train: 200,
      validation: 50,
      test: 50,
      epochs: 2,
      batchSize: 50,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      tasks: ["digit 0", "digit 8", "sensors"],
      size: 14,
      hidden: [64, 16, 64],
      train: 1000,
      validation: 200,
      test: 400,
      epochs: 12,
      batchSize: 50,
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2, 3e-2],
      seeds: 5,
    },
    full: {
      tasks: ["digit 0", "digit 4", "digit 8", "sensors"],
      size: 28,
      hidden: [128, 16, 128],
      train: 3000,
      validation: 300,
      test: 600,
      epochs: 30,
      batchSize: 50,
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2, 3e-2],
      seeds: 10,
    },
  },
  metrics: explained,
  curves: {
    "relative error": { x: "epoch", y: "error on unseen normal rows / mean row's error, first task" },
  },
  claims: [
    {
      id: "auroc",
      statement: "The logarithmic loss separates anomalies from normal rows better than mean squared error.",
      rule: "The difference of the mean AUROC over tasks, each loss at its best learning rate, paired by seed. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "AUROC", method: "logMSE", baseline: "MSE", better: "higher" }],
    },
    {
      id: "convergence",
      statement: "The logarithmic loss converges faster and more reliably over learning rates.",
      rule: "As for AUROC, with the epochs to the target averaged over tasks and the whole grid of learning rates, fewer being better.",
      comparisons: [{ metric: "epochs to target", method: "logMSE", baseline: "MSE", better: "lower" }],
    },
  ],
  distance:
    "The paper trains convolutional autoencoders on image sets, industrial ones among them; here fully connected ones of 27,000 weights see 1,000 digits of 14 × 14 pixels, and ones of 100 weights sensor readings.",
  async run({ arm, seed, settings, report, signal }) {
    const { tasks, epochs, learningRates } = settings;
    const metrics: Record<string, number> = Object.fromEntries(
      Object.keys(explained).map((name) => [name, 0]),
    );
    const count = (name: string, value: number, of = tasks.length) => {
      metrics[name]! += value / of;
    };
    for (const [index, name] of tasks.entries()) {
      const best = await bestRate(name, arm, settings, signal);
      const task = load(name, settings, seed);
      const train = trainer(arm, task.inputs, settings);
      const scale = errorOfMeanRow(task);
      for (const [i, learningRate] of learningRates.entries()) {
        let reached = epochs + 1;
        const onEpoch = (epoch: number, error: number) => {
          if (error < TARGET * scale) reached = Math.min(reached, epoch);
          if (index === 0 && learningRate === best) report.point("relative error", epoch, error / scale);
        };
        const model = await train({ task, learningRate, epochs, seed, signal, onEpoch });
        const runs = tasks.length * learningRates.length;
        count("epochs to target", reached, runs);
        count("failure share", Number(reached > epochs), runs);
        if (learningRate === best) {
          count("AUROC", await auroc(model, task, "test"));
          count("relative error", model.error / scale);
        }
        report.progress((index + (i + 1) / (learningRates.length + 1)) / tasks.length);
      }
      const bad = load(name, settings, seed, CONTAMINATION);
      const model = await train({ task: bad, learningRate: best, epochs, seed, signal });
      count("AUROC, contaminated", await auroc(model, bad, "test"));
    }
    return metrics;
  },
});

const load = (name: string, settings: Settings, seed: number, contamination = 0): AnomalyTask => {
  const { train, validation, test, size } = settings;
  const sizes = { train, validation, test, seed, contamination };
  // There are 155 anomalous windows in all: more contaminated training rows than 1,000 have would need more.
  return name === "sensors"
    ? sensorAnomalies({ ...sizes, train: Math.min(train, 1000) })
    : digitAnomalies({ ...sizes, size, role: "anomaly", digit: Number(name.split(" ")[1]) });
};

/** One compiled trainer for each loss and width. */
const trainer = remember((arm: string, inputs: number, { hidden, batchSize }: Settings) => {
  const inner = inputs < 20 ? [4, 2, 4] : hidden;
  return autoencoderTrainer([inputs, ...inner, inputs], losses[arm]!, batchSize);
}, 12);

async function auroc(
  { reconstruct }: Awaited<ReturnType<ReturnType<typeof trainer>>>,
  task: AnomalyTask,
  part: "validation" | "test",
): Promise<number> {
  const { x, anomalous } = task[part];
  return rocAuc(reconstructionScore(x, await reconstruct(x), { width: task.inputs }), anomalous);
}

/** The learning rate with the highest validation AUROC. */
function bestRate(name: string, arm: string, settings: Settings, signal: AbortSignal): Promise<number> {
  return chooseOnce(["lmse", name, arm, settings], settings.learningRates, async (learningRate) => {
    const task = load(name, settings, TUNING_SEED);
    const train = trainer(arm, task.inputs, settings);
    const model = await train({ task, learningRate, epochs: settings.epochs, seed: TUNING_SEED, signal });
    return auroc(model, task, "validation");
  });
}
