import { ones, subtract, type Tensor } from "nearmiss";
import {
  absoluteError,
  generalizedCrossEntropy,
  huber,
  softmaxCrossEntropy,
  squaredError,
  trimmedLoss,
  trimmedMask,
  zErrorCE,
  zErrorClassMask,
  zErrorMask,
  zErrorMSE,
} from "nearmiss/losses";
import { accuracy, argMax, rocAuc } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy, type Effect } from "../study.ts";
import {
  type ContaminatedSize,
  type ContaminatedTask,
  friedman,
  houses,
  type MaskingLoss,
  mislabelledDigits,
  type Rows,
  trainMasked,
} from "../tasks/contamination.ts";

export const card: Card = {
  number: 81,
  slug: "z-error-loss",
  title: "Z-Error Loss for Training Neural Networks",
  year: 2025,
  family: "classification",
  kind: "objective",
  arxiv: "2506.02154",
  link: "https://arxiv.org/abs/2506.02154",
  summary:
    "Masks in each mini-batch the samples whose error is an outlier by z-score, computed from that batch's mean and standard deviation, and averages the loss over the remainder. The threshold τ may be tightened during training. For classification the z-score is taken within each class on logits or probabilities, and frequent masking marks a row as suspicious.",
  claim:
    "Leaving out batch outliers keeps bad labels from steering training, so test error on contaminated data falls below that of plain squared error or cross-entropy. The masks also point to the bad rows. The source is a technical note without large experiments.",
  formula: String.raw`L=\frac{\sum_im_ie_i^2}{\sum_im_i+\epsilon},\quad m_i=\mathbf 1\big[|z_i|\le\tau\big],\quad z_i=\frac{e_i-\mu}{\sigma+\epsilon}`,
  exports: [
    "losses/robust: zErrorMask",
    "losses/robust: zErrorMSE",
    "losses/robust: zErrorClassMask",
    "losses/robust: zErrorCE",
    "losses/robust: trimmedMask",
    "losses/robust: trimmedLoss",
    "losses/robust: gaussianCutoff",
    "losses/regression: huber",
  ],
  notes: [
    "The z-score of a regression is of the signed error, of a classification of the label's logit within its class, masked on the low side only. A class with fewer than 6 rows in a batch takes the standard deviation pooled over classes, which is our addition.",
    "No share of rows that must be kept is needed: at threshold 2 a batch of a regression loses a quarter of its rows at most (Chebyshev), and with median and median absolute deviation less than half.",
    "The adaptive threshold masks nothing in the first tenth of training, then falls from 4 to 2 along a straight line.",
    "Trimming leaves out a tenth of each batch, which is just the share of bad rows: an advantage that nobody has who does not know it.",
    "Learning rates are chosen for each arm, task and contamination on clean validation rows of a seed that no trial uses.",
    "Absolute error of probabilities trains slowly on ten classes and in some runs misses a class, as is known of it (Zhang and Sabuncu 2018).",
    "An arm without masks ranks all rows alike, which detects at chance: an AUROC of 0.5.",
  ],
};

interface Losses {
  regression: MaskingLoss;
  classification: MaskingLoss;
  /** From the fraction of training done. */
  threshold?: (done: number) => number;
}

const unmasked =
  (loss: (outputs: Tensor, targets: Tensor) => Tensor): MaskingLoss =>
  (outputs, targets) => ({ loss: loss(outputs, targets), kept: ones(targets.shape) });

const trimmed =
  (loss: (outputs: Tensor, targets: Tensor, options: typeof each) => Tensor): MaskingLoss =>
  (outputs, targets) => {
    const losses = loss(outputs, targets, each);
    return { loss: trimmedLoss(losses), kept: trimmedMask(losses) };
  };

const each = { reduction: "none" } as const;

const zError: Losses = {
  regression: (predictions, targets, threshold) => ({
    loss: zErrorMSE(predictions, targets, { threshold }),
    kept: zErrorMask(subtract(targets, predictions), { threshold }),
  }),
  classification: (logits, labels, threshold) => ({
    loss: zErrorCE(logits, labels, { threshold }),
    kept: zErrorClassMask(logits, labels, { threshold }),
  }),
};

const losses: Record<string, Losses> = {
  zError,
  plain: { regression: unmasked(squaredError), classification: unmasked(softmaxCrossEntropy) },
  robust: { regression: unmasked(huber), classification: unmasked(generalizedCrossEntropy) },
  absolute: {
    regression: unmasked(absoluteError),
    classification: unmasked((logits, labels) => generalizedCrossEntropy(logits, labels, { q: 1 })),
  },
  trimmed: { regression: trimmed(squaredError), classification: trimmed(softmaxCrossEntropy) },
  zErrorAnnealed: {
    ...zError,
    threshold: (done) => (done < 0.1 ? Number.POSITIVE_INFINITY : 4 - (2 * (done - 0.1)) / 0.9),
  },
};

const tasks: Record<string, (size: ContaminatedSize) => ContaminatedTask> = {
  houses,
  friedman,
  digits: mislabelledDigits,
};

/** Rows, epochs and batch of the regressions and of the digits. */
interface TaskSettings {
  train: number;
  validation: number;
  test: number;
  epochs: number;
  batchSize: number;
}

interface Settings {
  contamination: number;
  regression: TaskSettings;
  digits: TaskSettings;
  learningRates: number[];
}

const compare = (metric: string, baseline: string) =>
  ({ metric, method: "zError", baseline, better: "lower" }) as const;
const contaminated = ["RMSE", "digits error"];
const clean = ["clean RMSE, log", "clean digits error, log"];
const PRICE = Math.log(1.02);
const DETECTION = 0.8 - 0.5;

export const study = defineStudy<Settings>({
  arms: {
    zError: "rows within 2 standard deviations of the batch",
    plain: "squared error or cross-entropy of all rows",
    robust: "Huber loss or generalised cross-entropy",
    absolute: "absolute error, of probabilities in classification",
    trimmed: "the 90 % smallest losses of the batch",
    zErrorAnnealed: "no mask at first, then from 4 to 2 standard deviations",
  },
  scales: {
    smoke: {
      contamination: 0.1,
      regression: { train: 100, validation: 50, test: 50, epochs: 2, batchSize: 50 },
      digits: { train: 200, validation: 50, test: 100, epochs: 1, batchSize: 100 },
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      contamination: 0.1,
      regression: { train: 340, validation: 66, test: 100, epochs: 80, batchSize: 64 },
      digits: { train: 2000, validation: 500, test: 2000, epochs: 10, batchSize: 100 },
      learningRates: [1e-3, 3e-3, 1e-2],
      seeds: 5,
    },
    full: {
      contamination: 0.1,
      regression: { train: 340, validation: 66, test: 100, epochs: 200, batchSize: 64 },
      digits: { train: 5000, validation: 1000, test: 4000, epochs: 20, batchSize: 100 },
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2],
      seeds: 20,
    },
  },
  metrics: {
    RMSE: "root mean squared error on clean test rows after training with bad ones, in standard deviations of the target, mean over houses and Friedman's function",
    "digits error": "share of clean test digits classified wrongly after training with wrong labels",
    detection:
      "AUROC of how often a training row was masked, for telling the bad rows, mean over the three tasks",
    "clean RMSE, log":
      "natural logarithm of the RMSE after training without bad rows, mean over both regressions",
    "clean digits error, log":
      "natural logarithm of the error rate (half an error added) after training without wrong labels",
  },
  curves: { "training loss": { x: "epoch", y: "loss of the epoch's last batch, houses with bad prices" } },
  claims: [
    {
      id: "contaminated",
      statement: "With a tenth of the targets bad, masking outliers beats squared error and cross-entropy.",
      rule: "Differences of the RMSE and of the digits' error rate, paired by seed. Supports if both 95 % intervals lie below 0, contradicts if one lies above, else inconclusive.",
      comparisons: contaminated.map((metric) => compare(metric, "plain")),
    },
    {
      id: "robust-losses",
      statement:
        "It also beats the usual robust losses: Huber or generalised cross-entropy, absolute error, and a trimmed mean.",
      rule: "As above, against each of the three.",
      comparisons: ["robust", "absolute", "trimmed"].flatMap((baseline) =>
        contaminated.map((metric) => compare(metric, baseline)),
      ),
    },
    {
      id: "detection",
      statement: "How often a row was masked tells the bad rows, with an AUROC above 0.8.",
      rule: "The AUROC less 0.5, that of an arm which masks nothing. Supports if the 95 % interval lies above 0.3, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "detection", method: "zError", baseline: "plain", better: "higher" }],
      decide: ([effect]) => sideOf(effect!, DETECTION),
    },
    {
      id: "price",
      statement: "Where no row is bad, masking costs less than 2 % of the test error.",
      rule: "Differences of the logarithm of the clean errors, paired by seed. Supports if both 95 % intervals lie below log 1.02, contradicts if one lies above, else inconclusive.",
      comparisons: clean.map((metric) => compare(metric, "plain")),
      decide: (effects) => {
        const sides = effects.map((effect) => sideOf(effect, -PRICE));
        if (sides.includes("contradicts")) return "contradicts";
        return sides.includes("inconclusive") ? "inconclusive" : "supports";
      },
    },
  ],
  distance:
    "The paper is a technical note without large experiments. Here are 340 house prices, 340 values of a made-up function and 2,000 digits, and networks of up to 13,000 weights; a tenth of the targets is replaced at random.",
  async run({ arm, seed, settings, report, signal }) {
    const found: Record<string, number[]> = {};
    const note = (name: string, value: number) => {
      found[name] = [...(found[name] ?? []), value];
    };
    const runs = Object.keys(tasks).flatMap((name) => [
      { name, contamination: settings.contamination },
      { name, contamination: 0 },
    ]);
    for (const [index, { name, contamination }] of runs.entries()) {
      const learningRate = await bestRate(name, contamination, arm, settings, signal);
      const { task, options } = prepare(name, contamination, arm, settings, seed);
      const onEpoch = (epoch: number, loss: number) => {
        report.progress((index + epoch / options.epochs) / runs.length);
        if (name === "houses" && contamination > 0) report.point("training loss", epoch, loss);
      };
      const { predict, masked } = await trainMasked({ ...options, learningRate, signal, onEpoch });
      const error = await errorOf(predict, task, task.test);
      const count = task.test.targets.length;
      if (contamination > 0) {
        note(task.classes ? "digits error" : "RMSE", error);
        note("detection", rocAuc(masked, task.train.bad));
      } else if (task.classes) note("clean digits error, log", Math.log(error + 0.5 / count));
      else note("clean RMSE, log", Math.log(error));
    }
    return Object.fromEntries(
      Object.entries(found).map(([name, list]) => [name, list.reduce((a, b) => a + b) / list.length]),
    );
  },
});

/** Which side of a bound, in the direction of gain, the interval lies on. */
function sideOf({ low, high }: Effect, bound: number) {
  if (low > bound) return "supports";
  return high < bound ? "contradicts" : "inconclusive";
}

function prepare(name: string, contamination: number, arm: string, settings: Settings, seed: number) {
  const { epochs, batchSize, ...sizes } = name === "digits" ? settings.digits : settings.regression;
  const task = tasks[name]!({ ...sizes, contamination, seed });
  const { threshold = () => 2, ...loss } = losses[arm]!;
  const options = { task, loss: loss[task.classes ? "classification" : "regression"], threshold };
  return { task, options: { ...options, epochs, batchSize, seed } };
}

/** Root mean squared error, or share of wrong classes. */
async function errorOf(
  predict: (x: Float32Array) => Promise<Float32Array>,
  { classes }: ContaminatedTask,
  { x, targets }: Rows,
): Promise<number> {
  const outputs = await predict(x);
  if (classes) return 1 - accuracy(argMax(outputs, classes), targets);
  return Math.sqrt(outputs.reduce((sum, y, i) => sum + (y - targets[i]!) ** 2, 0) / targets.length);
}

/** The learning rate with the lowest error on clean validation rows. */
function bestRate(name: string, contamination: number, arm: string, settings: Settings, signal: AbortSignal) {
  const key = ["z-error", name, contamination, arm, settings];
  return chooseOnce(key, settings.learningRates, async (learningRate) => {
    const { task, options } = prepare(name, contamination, arm, settings, TUNING_SEED);
    const { predict } = await trainMasked({ ...options, learningRate, signal });
    return -(await errorOf(predict, task, task.validation));
  });
}
