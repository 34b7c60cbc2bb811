import { sigmoid, type Tensor } from "nearmiss";
import { bceWithLogits, diceLoss, sigmoidFocal, tverskyLoss } from "nearmiss/losses";
import { averagePrecision, bestThresholdF1, confusionCounts, f1FromCounts } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import { type BinaryLoss, type BinaryTask, decide, trainBinary } from "../tasks/imbalanced.ts";
import { names } from "../tasks/names.ts";

export const card: Card = {
  number: 28,
  slug: "dice-loss",
  title: "Dice Loss for Data-imbalanced NLP Tasks",
  year: 2019,
  family: "classification",
  kind: "objective",
  arxiv: "1911.02855",
  link: "https://arxiv.org/abs/1911.02855",
  code: "https://github.com/ShannonAI/dice_loss_for_NLP",
  summary:
    "Cross-entropy is replaced by one minus a smoothed Dice coefficient between predicted probability and label, a soft counterpart of F1. In the self-adjusting form the probability p is multiplied by (1-p)^α, which damps examples that are already easy. The exponent must be small in practice, because for a positive the loss rises again beyond p = 1/(1+α).",
  claim:
    "Where positives are rare, as in tagging and span extraction, the self-adjusting Dice loss gives higher F1 than cross-entropy, weighted cross-entropy and focal loss. The gain is attributed to an objective that resembles F1 and to the lower weight of easy negatives.",
  formula: String.raw`\mathcal L_{\text{DSC}}=1-\frac{2(1-p)^\alpha p\,y+\gamma}{(1-p)^\alpha p+y+\gamma}`,
  exports: ["losses/overlap: diceLoss", "losses/overlap: tverskyLoss", "losses/multilabel: sigmoidFocal"],
  notes: [
    "The paper writes the loss for one example and averages; the authors' code sums numerator and denominator over the batch first, which is another objective. The method here is that of the code with the settings of its scripts (α = 0.01, smoothing 1, squared denominator); the paper's per-example form is an arm of its own.",
    "The authors' scripts also drop easy negatives (OHEM ratio 0 to 1, often 0.1 to 0.4); here nothing is dropped.",
    "The authors' code treats two classes as two problems over a softmax and adds their losses; here is one logit, as in its binary form.",
    "In the default run the per-example form ends at saying never. For a word with p near 0 its slope is 3/4 if it is a name and 1 if not, so where names are rare nothing holds p up: it is a pointwise loss with bounded slopes, and no stand-in for F1. The rates tried do not change that.",
    "A first run had rates of 0.001, 0.003 and 0.01, of which both cross-entropies took the last, short of their best; 0.03 took the place of 0.001. Its verdicts: F1 inconclusive (+0.112, -0.059 to +0.283, against cross-entropy), tuned threshold and self-adjusting inconclusive, per-example contradicted, small exponent supported.",
    "At p = 1 the slope of (1-p)^α is infinite; the gradient there is taken as 0.",
  ],
};

const onProbabilities =
  (loss: (p: Tensor, y: Tensor) => Tensor): BinaryLoss =>
  (logits, targets) =>
    loss(sigmoid(logits), targets);
const dice = (selfAdjust: number, pool: "all" | "element" = "all") =>
  onProbabilities((p, y) => diceLoss(p, y, { selfAdjust, pool, power: pool === "all" ? 2 : 1 }));

/** Each arm's loss, for training data with this share of positives. */
const losses: Record<string, (prevalence: number) => BinaryLoss> = {
  selfAdjusting: () => dice(0.01),
  dice: () => dice(0),
  perExample: () => dice(0.01, "element"),
  stronglyAdjusting: () => dice(1),
  tversky: () =>
    onProbabilities((p, y) => tverskyLoss(p, y, { falsePositiveWeight: 0.3, falseNegativeWeight: 0.7 })),
  crossEntropy: () => (logits, targets) => bceWithLogits(logits, targets),
  weighted: (prevalence) => (logits, targets) =>
    bceWithLogits(logits, targets, { posWeight: (1 - prevalence) / prevalence }),
  focal: () => (logits, targets) => sigmoidFocal(logits, targets),
};

interface Settings {
  train: number;
  validation: number;
  test: number;
  epochs: number;
  batchSize: number;
  learningRates: number[];
}

const better = "higher" as const;
const baselines = ["crossEntropy", "weighted", "focal"];
const usual =
  "The difference paired by seed. Supports if its 95 % interval lies above 0 against every baseline, contradicts if it lies below 0 against one, else inconclusive.";

export const study = defineStudy<Settings>({
  arms: {
    selfAdjusting: "self-adjusting Dice over the batch, α = 0.01, squared denominator",
    dice: "Dice over the batch, squared denominator (α = 0)",
    perExample: "self-adjusting Dice of each word by itself, α = 0.01, as the paper writes it",
    stronglyAdjusting: "self-adjusting Dice over the batch, α = 1",
    tversky: "Tversky loss over the batch, false positives 0.3, false negatives 0.7",
    crossEntropy: "binary cross-entropy",
    weighted: "binary cross-entropy, both classes of equal weight in sum",
    focal: "focal loss, γ = 2",
  },
  scales: {
    smoke: {
      train: 600,
      validation: 400,
      test: 400,
      epochs: 1,
      batchSize: 200,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      train: 10_000,
      validation: 4000,
      test: 8000,
      epochs: 5,
      batchSize: 500,
      learningRates: [3e-3, 1e-2, 3e-2],
      seeds: 5,
    },
    full: {
      train: 60_000,
      validation: 10_000,
      test: 20_000,
      epochs: 5,
      batchSize: 500,
      learningRates: [1e-3, 3e-3, 1e-2, 3e-2],
      seeds: 10,
    },
  },
  metrics: {
    F1: "F1 of names on test words, threshold 0.5",
    "F1, tuned threshold": "F1 of names on test words, threshold chosen on validation words",
    precision: "share of names among the words taken for one, threshold 0.5",
    recall: "share of names found, threshold 0.5",
    "average precision": "of the ranking of test words, without a threshold",
  },
  curves: { "training loss": { x: "step", y: "each arm's own loss" } },
  claims: [
    {
      id: "f1",
      statement:
        "Self-adjusting Dice gives a higher F1 than cross-entropy, weighted cross-entropy and focal loss.",
      rule: usual,
      comparisons: baselines.map((baseline) => ({ metric: "F1", method: "selfAdjusting", baseline, better })),
    },
    {
      id: "tuned-threshold",
      statement: "It still does when every arm has its threshold chosen on validation data.",
      rule: usual,
      comparisons: baselines.map((baseline) => ({
        metric: "F1, tuned threshold",
        method: "selfAdjusting",
        baseline,
        better,
      })),
    },
    {
      id: "self-adjusting",
      statement: "The self-adjusting factor adds to what plain Dice and Tversky losses reach.",
      rule: usual,
      comparisons: ["dice", "tversky"].map((baseline) => ({
        metric: "F1",
        method: "selfAdjusting",
        baseline,
        better,
      })),
    },
    {
      id: "per-example",
      statement: "The loss as the paper writes it, word by word, gives a higher F1 than cross-entropy.",
      rule: usual,
      comparisons: [{ metric: "F1", method: "perExample", baseline: "crossEntropy", better }],
    },
    {
      id: "small-exponent",
      statement: "The exponent must be small: α = 0.01 gives a higher F1 than α = 1.",
      rule: usual,
      comparisons: [{ metric: "F1", method: "selfAdjusting", baseline: "stronglyAdjusting", better }],
    },
  ],
  distance:
    "The paper fine-tunes BERT on tagging, reading comprehension and paraphrase data of up to 100,000 sentences and more; here a network of 64 hidden units finds the names, about one word in 20, among 10,000 words of a novel in lower case.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseRate(arm, settings, signal);
    const { task, predict } = await trained(arm, learningRate, settings, seed, signal, (i, steps, loss) => {
      report.progress(i / steps);
      report.point("training loss", i, loss);
    });
    const { x, labels } = task.test;
    const probabilities = await predict(x);
    const { threshold } = bestThresholdF1(await predict(task.validation.x), task.validation.labels);
    const { f1, precision, recall } = f1FromCounts(confusionCounts(decide(probabilities), labels));
    const tuned = f1FromCounts(confusionCounts(decide(probabilities, threshold), labels));
    return {
      F1: f1,
      "F1, tuned threshold": tuned.f1,
      precision,
      recall,
      "average precision": averagePrecision(probabilities, labels),
    };
  },
});

async function trained(
  arm: string,
  learningRate: number,
  settings: Settings,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, steps: number, loss: number) => void,
) {
  const { train, validation, test, epochs, batchSize } = settings;
  const task: BinaryTask = names({ train, validation, test, seed });
  const prevalence = task.train.labels.reduce((sum, label) => sum + label, 0) / train;
  const steps = epochs * Math.floor(train / batchSize);
  const loss = losses[arm]!(prevalence);
  const options = { task, loss, hidden: [64], learningRate, steps, batchSize, seed, signal, onStep };
  return { task, predict: await trainBinary(options) };
}

/** The rate with the best F1 at threshold 0.5 on validation words. */
function chooseRate(arm: string, settings: Settings, signal: AbortSignal): Promise<number> {
  return chooseOnce(["dice-loss", arm, settings], settings.learningRates, async (learningRate) => {
    const { task, predict } = await trained(arm, learningRate, settings, TUNING_SEED, signal);
    const { x, labels } = task.validation;
    return f1FromCounts(confusionCounts(decide(await predict(x)), labels)).f1;
  });
}
