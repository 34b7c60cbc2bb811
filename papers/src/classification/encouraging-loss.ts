import { max, mean as meanOf, oneHot, pick, subtract, type Tensor, where } from "nearmiss";
import { take } from "nearmiss/data";
import { encouraging, softmaxCrossEntropy, softmaxFocal } from "nearmiss/losses";
import {
  accuracy,
  argMax,
  balancedAccuracy,
  fprAtTpr,
  logitMargins,
  negativeEnergies,
  rocAuc,
} from "nearmiss/metrics";
import { mlp } from "nearmiss/nn";
import { mean } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import type { ClassificationLoss } from "../tasks/classification.ts";
import { longTailedDigits, shuffledPatches, turnedNegatives } from "../tasks/long-tail.ts";
import { type Outputs, trainNetwork } from "../tasks/network.ts";

export const card: Card = {
  number: 111,
  slug: "encouraging-loss",
  title: "Well-classified Examples are Underestimated in Classification with Deep Neural Networks",
  year: 2021,
  family: "classification",
  kind: "objective",
  arxiv: "2110.06537",
  link: "https://arxiv.org/abs/2110.06537",
  code: "https://github.com/lancopku/well-classified-examples-are-underestimated",
  summary:
    "The encouraging loss adds a bonus log(1-p) to cross-entropy, where p is the probability of the true class, so the pull on the true logit stays constant instead of fading as p grows. Past a chosen end point LE the bonus curve is replaced by its tangent, which keeps the loss finite. It replaces cross-entropy directly and needs no change to the model.",
  claim:
    "Cross-entropy plus the bonus gives larger margins and higher accuracy than cross-entropy alone. It also improves accuracy on imbalanced data and the detection of out-of-distribution inputs, because already correct samples keep contributing gradient.",
  formula: String.raw`L=-\log p+b(p),\quad b(p)=\begin{cases}\log(1-p)&p\le\mathrm{LE}\\-\frac{p-\mathrm{LE}}{1-\mathrm{LE}}+\log(1-\mathrm{LE})&p>\mathrm{LE}\end{cases}`,
  exports: [
    "losses/encouraging: encouraging",
    "losses/log-one-minus-softmax: logOneMinusSoftmax",
    "losses/focal: softmaxFocal",
    "metrics/logits: logitMargins",
    "metrics/logits: negativeEnergies",
  ],
  notes: [
    "The formula agrees with the authors' code, whose default is LE 0.75. There 1 - p is cut at 1e-5 after it was subtracted; here log(1 - p) comes from sums of exponentials, and the cut is kept for LE 1 alone, where nothing else bounds the loss.",
    "Each loss has its own learning rate out of one grid, chosen by validation accuracy, so that a larger gradient is no advantage in itself.",
    "The margin is that of the raw logits, as in the paper; the relative margin beside it tells how much of that is scale alone.",
    "Images that are no digits: test digits with their sixteen patches shuffled, and their negatives turned by a quarter.",
    "The metrics for each kind of image were added after the first run, whose verdicts they leave as they were. They show that every arm takes the bright turned negatives for digits (AUROC by energy 0.03 to 0.05): half of the out-of-distribution test tells the losses nothing apart, and on shuffled patches the encouraging loss lies within a hundredth of cross-entropy.",
    "Left out of the library: the variant for smoothed labels.",
  ],
};

const arms = {
  encouraging: "encouraging loss, LE 0.75",
  crossEntropy: "softmax cross-entropy",
  focal: "focal loss, γ = 2: easy examples weigh less, not more",
  "encouraging, LE 0.5": "a tangent from p = 0.5 on",
  "encouraging, LE 1": "the normal form, without a tangent",
};

const losses: Record<string, ClassificationLoss> = {
  encouraging,
  crossEntropy: softmaxCrossEntropy,
  focal: softmaxFocal,
  "encouraging, LE 0.5": (logits, labels) => encouraging(logits, labels, { logEnd: 0.5 }),
  "encouraging, LE 1": (logits, labels) => encouraging(logits, labels, { logEnd: 1 }),
};

interface Settings {
  /** Digits of each class in the balanced task, and of the most frequent one in the long-tailed task. */
  balanced: number;
  largest: number;
  ratio: number;
  validation: number;
  test: number;
  epochs: number;
  batchSize: number;
  learningRates: number[];
}

const against = (metric: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method: "encouraging", baseline, better: "higher" as const }));

const settings = { validation: 1000, batchSize: 100, ratio: 50 };

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: { ...settings, balanced: 20, largest: 60, test: 200, epochs: 1, learningRates: [1e-3], seeds: 2 },
    default: {
      ...settings,
      balanced: 200,
      largest: 500,
      test: 2000,
      epochs: 12,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 6,
    },
    full: {
      ...settings,
      balanced: 500,
      largest: 600,
      test: 2000,
      epochs: 40,
      learningRates: [1e-4, 3e-4, 1e-3, 3e-3],
      seeds: 20,
    },
  },
  metrics: {
    accuracy: "fraction of test digits classified correctly, trained on balanced data",
    margin: "mean over the test digits of the true logit minus the largest other logit, balanced data",
    "relative margin":
      "margin divided by the root mean square of the centred logits: not larger for larger logits",
    "balanced accuracy": "mean recall over the classes, trained on long-tailed data",
    "tail accuracy": "mean recall over the three rarest classes, trained on long-tailed data",
    "AUROC, probability":
      "digits against images that are none, by the largest probability, mean over two kinds",
    "AUROC, energy": "the same by the negative free energy of the logits",
    "FPR95, energy": "share of other images taken for digits where 95 % of digits are, mean over two kinds",
    "AUROC, probability, patches": "the first of the kinds: test digits with their sixteen patches shuffled",
    "AUROC, energy, patches": "the same by the negative free energy",
    "AUROC, probability, negatives": "the second: negatives of test digits, turned by a quarter",
    "AUROC, energy, negatives": "the same by the negative free energy",
  },
  curves: { margin: { x: "step", y: "mean logit margin of the batch, balanced data" } },
  claims: [
    {
      id: "margin",
      statement: "The encouraging loss gives larger margins than cross-entropy.",
      rule: "The difference of the mean logit margin on test data, paired by seed. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.",
      comparisons: against("margin", ["crossEntropy"]),
    },
    {
      id: "accuracy",
      statement:
        "On balanced data the encouraging loss classifies more accurately than cross-entropy and focal loss.",
      rule: "The difference of test accuracy, paired by seed. Supports if its 95 % interval lies above 0 against both baselines, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: against("accuracy", ["crossEntropy", "focal"]),
    },
    {
      id: "long-tail",
      statement:
        "On long-tailed data the encouraging loss has a higher balanced accuracy than cross-entropy and focal loss.",
      rule: "As for accuracy, with the mean recall over the classes.",
      comparisons: against("balanced accuracy", ["crossEntropy", "focal"]),
    },
    {
      id: "out-of-distribution",
      statement:
        "The encouraging loss tells digits from other images better than cross-entropy does, by the largest probability and by energy.",
      rule: "The differences of both AUROCs, paired by seed. Supports if both 95 % intervals lie above 0, contradicts if one lies below 0, else inconclusive.",
      comparisons: [
        ...against("AUROC, probability", ["crossEntropy"]),
        ...against("AUROC, energy", ["crossEntropy"]),
      ],
    },
  ],
  distance:
    "The paper trains convolutional networks and transformers on six tasks up to ImageNet and machine translation; here a fully connected network of 109,000 weights sees 2,000 digits, or 1,400 with 50 times as many of the most frequent class as of the rarest.",
  async run({ arm, seed, settings, report, signal }) {
    const metrics: Record<string, number> = {};
    for (const [index, kind] of (["balanced", "long-tailed"] as const).entries()) {
      const learningRate = await chooseRate(kind, arm, settings, signal);
      const task = load(kind, settings, seed);
      const { outputs } = await trainNetwork({
        ...settings,
        network: mlp([task.inputs, ...task.hidden, task.classes]),
        train: task.train,
        loss: losses[arm]!,
        watch: batchMargin,
        learningRate,
        seed,
        signal,
        onStep: (step, steps, margin) => {
          report.progress((index + step / steps) / 2);
          if (kind === "balanced") report.point("margin", step, margin);
        },
      });
      const { x, labels } = task.test;
      const logits = await outputs(x);
      const predictions = argMax(logits, task.classes);
      if (kind === "long-tailed") {
        const tail = Array.from(labels.keys()).filter((i) => labels[i]! >= 7);
        metrics["balanced accuracy"] = balancedAccuracy(predictions, labels);
        metrics["tail accuracy"] = balancedAccuracy(take(predictions, tail), take(labels, tail));
      } else {
        metrics.accuracy = accuracy(predictions, labels);
        metrics.margin = mean(logitMargins(logits, labels));
        metrics["relative margin"] = metrics.margin / spread(logits, task.classes);
        Object.assign(metrics, await detection(outputs, logits, x, seed));
      }
    }
    return metrics;
  },
});

const load = (kind: "balanced" | "long-tailed", settings: Settings, seed: number) =>
  longTailedDigits({
    largest: kind === "balanced" ? settings.balanced : settings.largest,
    ratio: kind === "balanced" ? 1 : settings.ratio,
    validation: settings.validation,
    test: settings.test,
    side: 28,
    seed,
  });

/** The learning rate with the best mean recall over the classes of the validation data. */
const chooseRate = (kind: "balanced" | "long-tailed", arm: string, settings: Settings, signal: AbortSignal) =>
  chooseOnce(["encouraging-loss", kind, arm, settings], settings.learningRates, async (learningRate) => {
    const task = load(kind, settings, TUNING_SEED);
    const { outputs } = await trainNetwork({
      ...settings,
      network: mlp([task.inputs, ...task.hidden, task.classes]),
      train: task.train,
      loss: losses[arm]!,
      learningRate,
      seed: TUNING_SEED,
      signal,
    });
    const { x, labels } = task.validation;
    return balancedAccuracy(argMax(await outputs(x), task.classes), labels);
  });

/** Mean of the true logit minus the largest other one. */
const batchMargin = (logits: Tensor, labels: Tensor) => {
  const labelled = oneHot(labels, logits.shape[1]!, "bool");
  const rival = max(where(labelled, Number.NEGATIVE_INFINITY, logits), { axis: 1 });
  return meanOf(subtract(pick(logits, labels), rival));
};

/** Root mean square of logits after their rows are centred. */
function spread(logits: Float32Array, classes: number): number {
  let squares = 0;
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const centre = mean(row);
    for (const logit of row) squares += (logit - centre) ** 2;
  }
  return Math.sqrt(squares / logits.length);
}

/** How well digits are told from images that are none, kind by kind and on average. */
async function detection(outputs: Outputs, logits: Float32Array, x: Float32Array, seed: number) {
  const classes = 10;
  const metrics: Record<string, number> = {
    "AUROC, probability": 0,
    "AUROC, energy": 0,
    "FPR95, energy": 0,
  };
  const kinds = { patches: shuffledPatches(x, 28, seed), negatives: turnedNegatives(x, 28) };
  for (const [kind, images] of Object.entries(kinds)) {
    const all = new Float32Array(2 * logits.length);
    all.set(logits);
    all.set(await outputs(images), logits.length);
    const isDigit = Int32Array.from({ length: all.length / classes }, (_, i) =>
      Number(i < logits.length / classes),
    );
    const energies = negativeEnergies(all, classes);
    const confidences = energies.map(
      (energy, i) => Math.max(...all.subarray(i * classes, (i + 1) * classes)) - energy,
    );
    metrics[`AUROC, probability, ${kind}`] = rocAuc(confidences, isDigit);
    metrics[`AUROC, energy, ${kind}`] = rocAuc(energies, isDigit);
    metrics["AUROC, probability"]! += metrics[`AUROC, probability, ${kind}`]! / 2;
    metrics["AUROC, energy"]! += metrics[`AUROC, energy, ${kind}`]! / 2;
    metrics["FPR95, energy"]! += fprAtTpr(energies, isDigit) / 2;
  }
  return metrics;
}
