import { rescaledSquare, softmaxCrossEntropy, squentropy } from "nearmiss/losses";
import { accuracy, argMax, ece, logLoss } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
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
  exports: ["losses: squentropy", "losses: rescaledSquare", "metrics: ece", "metrics: reliabilityDiagram"],
  notes: [
    "Probabilities for the calibration error are the softmax of the logits for all three losses.",
    "Squentropy and cross-entropy share the learning rate that is best for cross-entropy; the square loss has its own, and its k and M, all chosen once by validation accuracy on a seed that the study does not use.",
    "The claim about the spread over initialisations is not decided here: telling two standard deviations apart takes far more seeds.",
  ],
};

const tasks: Record<string, (size: TaskSize) => Task> = { digits, emails, definitions };

const arms = {
  squentropy: "cross-entropy plus the mean squared wrong logit",
  crossEntropy: "softmax cross-entropy",
  rescaledSquare: "square loss, true class weighted k with target M",
};

interface Settings {
  train: number;
  validation: number;
  test: number;
  epochs: number;
  batchSize: number;
  learningRates: number[];
  /** Candidates for k and M of the rescaled square loss. */
  squares: [k: number, M: number][];
}

const compare = (metric: string, better: "higher" | "lower") =>
  ["crossEntropy", "rescaledSquare"].map((baseline) => ({ metric, method: "squentropy", baseline, better }));

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      train: 300,
      validation: 100,
      test: 200,
      epochs: 1,
      batchSize: 50,
      learningRates: [1e-3],
      squares: [[1, 1]],
      seeds: 2,
    },
    default: {
      train: 2000,
      validation: 500,
      test: 2000,
      epochs: 5,
      batchSize: 100,
      learningRates: [3e-4, 1e-3, 3e-3],
      squares: [
        [1, 1],
        [1, 5],
        [5, 5],
      ],
      seeds: 6,
    },
    full: {
      train: 3000,
      validation: 500,
      test: 2000,
      epochs: 20,
      batchSize: 100,
      learningRates: [1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
      squares: [
        [1, 1],
        [1, 5],
        [5, 5],
      ],
      seeds: 20,
    },
  },
  metrics: {
    accuracy: "fraction of test examples classified correctly, mean over the tasks",
    ECE: "expected calibration error on the test set with 15 bins, mean over the tasks",
    ...Object.fromEntries(
      Object.keys(tasks).flatMap((task) => [
        [`accuracy, ${task}`, "fraction of test examples classified correctly"],
        [`ECE, ${task}`, "expected calibration error on the test set, 15 bins"],
        [`log-loss, ${task}`, "mean negative log-likelihood of the test labels, nats"],
      ]),
    ),
  },
  curves: { "training loss": { x: "step", y: "loss on digits" } },
  claims: [
    {
      id: "accuracy",
      statement:
        "Squentropy classifies more accurately than cross-entropy and than the rescaled square loss.",
      rule: "The difference of the mean accuracy over the tasks, paired by seed. Supports if its 95 % interval lies above 0 against both baselines, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("accuracy", "higher"),
    },
    {
      id: "calibration",
      statement:
        "Squentropy is better calibrated (lower ECE) than cross-entropy and than the rescaled square loss.",
      rule: "As for accuracy, with the mean expected calibration error, lower being better.",
      comparisons: compare("ECE", "lower"),
    },
  ],
  distance:
    "The paper trains modern networks on more than 30 tasks up to ImageNet; here are three small ones (2,000 digits, e-mails and dictionary definitions each) and fully connected networks of up to 236,000 weights.",
  async run({ arm, seed, settings, report, signal }) {
    const metrics: Record<string, number> = { accuracy: 0, ECE: 0 };
    const names = Object.keys(tasks);
    for (const [index, name] of names.entries()) {
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
          report.progress((index + step / steps) / names.length);
          if (name === "digits") report.point("training loss", step, value);
        },
      });
      const { labels } = task.test;
      const probabilities = await predict(task.test.x);
      metrics[`accuracy, ${name}`] = accuracy(argMax(probabilities, task.classes), labels);
      metrics[`ECE, ${name}`] = ece(probabilities, labels, { bins: 15 });
      metrics[`log-loss, ${name}`] = logLoss(probabilities, labels);
      metrics.accuracy! += metrics[`accuracy, ${name}`]! / names.length;
      metrics.ECE! += metrics[`ECE, ${name}`]! / names.length;
    }
    return metrics;
  },
});

const load = (task: string, { train, validation, test }: Settings, seed: number): Task =>
  tasks[task]!({ train, validation, test, seed });

/** Loss and learning rate by validation accuracy; squentropy takes over cross-entropy's rate. */
async function choose(name: string, arm: string, settings: Settings, signal: AbortSignal) {
  const tuned = arm === "squentropy" ? "crossEntropy" : arm;
  const square = tuned === "rescaledSquare";
  const candidates = settings.learningRates.flatMap((learningRate) =>
    (square ? settings.squares : [undefined]).map((kM) => ({ learningRate, kM })),
  );
  const lossOf = (kM?: [number, number]): ClassificationLoss =>
    kM ? (logits, labels) => rescaledSquare(logits, labels, { k: kM[0], M: kM[1] }) : softmaxCrossEntropy;
  const key = ["squentropy", name, tuned, settings];
  const { learningRate, kM } = await chooseOnce(key, candidates, async ({ learningRate, kM }) => {
    const task = load(name, settings, TUNING_SEED);
    const options = { ...settings, task, loss: lossOf(kM), learningRate, seed: TUNING_SEED, signal };
    const predict = await trainClassifier(options);
    return accuracy(argMax(await predict(task.validation.x), task.classes), task.validation.labels);
  });
  return { learningRate, loss: arm === "squentropy" ? squentropy : lossOf(kM) };
}
