import { rescaledSquare, softmaxCrossEntropy, squentropy } from "nearmiss/losses";
import { accuracy, argMax, ece, logLoss } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { pooled } from "../rules.ts";
import { defineStudy } from "../study.ts";
import {
  type ClassificationLoss,
  definitions,
  digits,
  emails,
  type Task,
  type TaskSize,
  trainClassifier,
} from "../tasks/classification.ts";

export const card: Card = {
  number: 95,
  slug: "squentropy",
  title: "Cut your Losses with Squentropy",
  year: 2023,
  family: "classification",
  kind: "objective",
  arxiv: "2302.03952",
  link: "https://arxiv.org/abs/2302.03952",
  summary:
    "A classification loss that adds to cross-entropy the average squared logit over the incorrect classes. This draws wrong logits to about zero and leaves the true logit free to grow, so adding a constant to all logits is no longer without effect. There is no extra hyper-parameter, and probabilities come from the softmax as usual.",
  claim:
    "Replacing cross-entropy or the rescaled square loss by squentropy raises test accuracy, lowers the expected calibration error and narrows the spread over random initialisations. The learning rate found for cross-entropy can be kept.",
  formula: String.raw`\ell=-\log\frac{e^{f_y}}{\sum_je^{f_j}}+\frac1{C-1}\sum_{j\ne y}f_j^2`,
  exports: ["squentropy", "rescaledSquare", "ece", "reliabilityDiagram"],
  notes: [
    "Probabilities for the calibration error are the softmax of the logits for all three losses.",
    "Squentropy and cross-entropy share the learning rate that is best for cross-entropy; the square loss has its own, and its k and M, all chosen once by validation accuracy on a seed that the study does not use.",
    "The claim about the spread over initialisations is not decided here: telling two standard deviations apart takes far more seeds.",
  ],
};

const tasks: Record<string, (size: TaskSize) => Task> = { digits, emails, definitions };

/** The method and its baselines, with the settings of the square loss that the paper's code tunes. */
const arms: Record<string, { about: string; variants: ClassificationLoss[] }> = {
  squentropy: { about: "cross-entropy plus the mean squared wrong logit", variants: [squentropy] },
  crossEntropy: { about: "softmax cross-entropy", variants: [softmaxCrossEntropy] },
  rescaledSquare: {
    about: "square loss, true class weighted k with target M",
    variants: [
      [1, 1],
      [1, 5],
      [5, 5],
    ].map(
      ([k, M]) =>
        (logits, labels) =>
          rescaledSquare(logits, labels, { k, M }),
    ),
  },
};

interface Settings {
  tasks: string[];
  train: number;
  validation: number;
  test: number;
  epochs: number;
  batchSize: number;
  learningRates: number[];
}

export const study = defineStudy<Settings>({
  arms: Object.fromEntries(Object.entries(arms).map(([name, { about }]) => [name, about])),
  scales: {
    smoke: {
      tasks: ["digits", "emails", "definitions"],
      train: 300,
      validation: 100,
      test: 200,
      epochs: 1,
      batchSize: 50,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: {
      tasks: ["digits", "emails", "definitions"],
      train: 2000,
      validation: 500,
      test: 2000,
      epochs: 6,
      batchSize: 100,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 8,
    },
    full: {
      tasks: ["digits", "emails", "definitions"],
      train: 3000,
      validation: 500,
      test: 2000,
      epochs: 20,
      batchSize: 100,
      learningRates: [1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
      seeds: 20,
    },
  },
  metrics: Object.fromEntries(
    Object.keys(tasks).flatMap((task) => [
      [`${task} accuracy`, "fraction of test examples classified correctly"],
      [`${task} ECE`, "expected calibration error on the test set, 15 bins"],
      [`${task} log-loss`, "mean negative log-likelihood of the test labels, nats"],
    ]),
  ),
  curves: { "training loss": { x: "step", y: "loss on digits" } },
  claims: [
    {
      id: "accuracy",
      statement:
        "Squentropy classifies more accurately than cross-entropy and than the rescaled square loss.",
      rule: "Differences are pooled over tasks by a random-effects mean, for each baseline. Supports if both pooled 95 % intervals lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: compare("accuracy", "higher"),
      decide: pooled,
    },
    {
      id: "calibration",
      statement:
        "Squentropy is better calibrated (lower ECE) than cross-entropy and than the rescaled square loss.",
      rule: "As for accuracy, with the difference in ECE, lower being better.",
      comparisons: compare("ECE", "lower"),
      decide: pooled,
    },
  ],
  distance:
    "The paper trains modern networks on more than 30 tasks up to ImageNet; here are three small ones (2,000 digits, e-mails and dictionary definitions each) and fully connected networks of up to 236,000 weights.",
  async run({ arm, seed, settings, report, signal }) {
    const metrics: Record<string, number> = {};
    for (const [index, name] of settings.tasks.entries()) {
      const { loss, learningRate } = await choose(name, arm, settings, signal);
      const task = load(name, settings, seed);
      const predict = await trainClassifier({
        ...settings,
        task,
        loss,
        learningRate,
        seed,
        signal,
        onStep: (step, steps, value) => {
          report.progress((index + step / steps) / settings.tasks.length);
          if (name === "digits") report.point("training loss", step, value);
        },
      });
      const probabilities = await predict(task.test.x);
      metrics[`${name} accuracy`] = accuracy(argMax(probabilities, task.classes), task.test.labels);
      metrics[`${name} ECE`] = ece(probabilities, task.test.labels, { bins: 15 });
      metrics[`${name} log-loss`] = logLoss(probabilities, task.test.labels);
    }
    return metrics;
  },
});

function compare(metric: string, better: "higher" | "lower") {
  return ["crossEntropy", "rescaledSquare"].flatMap((baseline) =>
    Object.keys(tasks).map((task) => ({
      metric: `${task} ${metric}`,
      method: "squentropy",
      baseline,
      better,
    })),
  );
}

const load = (task: string, { train, validation, test }: Settings, seed: number): Task =>
  tasks[task]!({ train, validation, test, seed });

/** Loss and learning rate by validation accuracy; squentropy takes over cross-entropy's rate. */
async function choose(name: string, arm: string, settings: Settings, signal: AbortSignal) {
  const tuned = arm === "squentropy" ? "crossEntropy" : arm;
  const { variants } = arms[tuned]!;
  const candidates = settings.learningRates.flatMap((learningRate) =>
    variants.map((_, variant) => ({ learningRate, variant })),
  );
  const { learningRate, variant } = await chooseOnce(
    ["squentropy", name, tuned, settings],
    candidates,
    async ({ learningRate, variant }) => {
      const task = load(name, settings, TUNING_SEED);
      const loss = variants[variant]!;
      const predict = await trainClassifier({
        ...settings,
        task,
        loss,
        learningRate,
        seed: TUNING_SEED,
        signal,
      });
      return accuracy(argMax(await predict(task.validation.x), task.classes), task.validation.labels);
    },
  );
  return { learningRate, loss: arm === "squentropy" ? squentropy : variants[variant]! };
}
