import { sigmoid } from "nearmiss";
import { batches } from "nearmiss/data";
import { reversalRate, simpsonsBias } from "nearmiss/diagnostics";
import { bceWithLogits, diceLoss } from "nearmiss/losses";
import { bestThresholdF1, confusionCounts, f1FromCounts } from "nearmiss/metrics";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { type Decision, defineStudy, type Effect } from "../study.ts";
import { type BinaryLoss, decide, oneDigit, trainBinary } from "../tasks/imbalanced.ts";

export const card: Card = {
  number: 140,
  slug: "simpsons-bias",
  title: "Simpson's Bias in NLP Training",
  year: 2021,
  family: "classification",
  kind: "diagnostic",
  arxiv: "2103.11795",
  link: "https://arxiv.org/abs/2103.11795",
  summary:
    "The paper examines metrics that do not split into a sum over samples, such as F1, Dice and corpus BLEU, and the habit of training on their per-sample or per-batch mean. The gap between the population metric and that mean is called Simpson's bias. For Dice, the sample-level loss reduces to one more pointwise loss, while a set-level version pools the counts before the ratio is taken.",
  claim:
    "The mean of sample-level metric values is a biased substitute for the population metric, and the bias persists as the data grow. Models trained on the sample-level Dice loss score lower on the population metric than models trained on the pooled version.",
  formula: String.raw`\epsilon(M)=F(S;M)-\mathbb E_t\big[G(S_t;M)\big],\qquad D_S=1-\frac{2\sum_i p_iy_i+\gamma}{\sum_i p_i^2+\sum_i y_i+\gamma}`,
  exports: [
    "losses/overlap: diceLoss",
    "diagnostics/simpsons-bias: simpsonsBias",
    "diagnostics/simpsons-bias: reversalRate",
    "metrics/bleu: bleu",
  ],
  notes: [
    'The Dice loss of single examples is the library\'s diceLoss with pool "element", the pooled one with pool "all"; smoothing 1 and squared probabilities in both. A set of one example is the same as an element.',
    "With smoothing below about 1 the minimiser of the single-example loss does not pass through 1/2 but jumps over it, at a share of positives of 0.524 for smoothing 0.1 and 0.5025 for 0.01.",
    "Batches in which there is neither a positive nor one predicted have no F1: they are left out of the mean, and counted.",
    "BLEU, the paper's other example, is covered by a test on two sentences and not by this study, which has no translations.",
  ],
};

const sampleDice: BinaryLoss = (logits, targets) =>
  diceLoss(sigmoid(logits), targets, { power: 2, pool: "element" });
const pooledDice: BinaryLoss = (logits, targets) => diceLoss(sigmoid(logits), targets, { power: 2 });
const crossEntropy: BinaryLoss = (logits, targets) => bceWithLogits(logits, targets);

interface Settings {
  train: number;
  validation: number;
  test: number;
  steps: number;
  batchSize: number;
  smallBatch: number;
  learningRates: number[];
}

/** How an arm is trained; `measure` is the size of the batches over which its F1 is then averaged. */
interface Arm {
  loss: BinaryLoss;
  batch: (settings: Settings) => number;
  measure?: number;
}

const usual = (settings: Settings) => settings.batchSize;
const arms: Record<string, Arm> = {
  batchDice: { loss: pooledDice, batch: usual },
  sampleDice: { loss: sampleDice, batch: usual },
  crossEntropy: { loss: crossEntropy, batch: usual },
  smallBatchDice: { loss: pooledDice, batch: (settings) => settings.smallBatch },
  fullBatchDice: { loss: pooledDice, batch: (settings) => settings.train },
  meanOf8: { loss: crossEntropy, batch: usual, measure: 8 },
  meanOf64: { loss: crossEntropy, batch: usual, measure: 64 },
};

/** What counts as no bias to speak of, in F1. */
const NEGLIGIBLE = 0.01;

function biased(effects: Effect[]): Decision {
  if (effects.every(({ low, high }) => low > NEGLIGIBLE || high < -NEGLIGIBLE)) return "supports";
  if (effects.every(({ low, high }) => low > -NEGLIGIBLE && high < NEGLIGIBLE)) return "contradicts";
  return "inconclusive";
}

const training =
  "The difference paired by seed. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.";
const measuring = `Either direction counts. Supports if the 95 % interval of the paired difference lies beyond ${NEGLIGIBLE} on one side of 0, contradicts if it lies within ${NEGLIGIBLE} of 0, else inconclusive.`;

export const study = defineStudy<Settings>({
  arms: {
    batchDice: "Dice loss pooled over batches of 250",
    sampleDice: "mean of the Dice losses of single examples, batches of 250",
    crossEntropy: "binary cross-entropy, batches of 250",
    smallBatchDice: "Dice loss pooled over batches of 32",
    fullBatchDice: "Dice loss pooled over all training examples",
    meanOf8: "the model of cross-entropy, its F1 measured as the mean over batches of 8",
    meanOf64: "the model of cross-entropy, its F1 measured as the mean over batches of 64",
  },
  scales: {
    smoke: {
      train: 300,
      validation: 200,
      test: 384,
      steps: 20,
      batchSize: 100,
      smallBatch: 32,
      learningRates: [3e-2],
      seeds: 2,
    },
    default: {
      train: 2000,
      validation: 1500,
      test: 3840,
      steps: 400,
      batchSize: 250,
      smallBatch: 32,
      learningRates: [3e-3, 1e-2, 3e-2, 1e-1],
      seeds: 10,
    },
    full: {
      train: 2000,
      validation: 1500,
      test: 3840,
      steps: 3000,
      batchSize: 250,
      smallBatch: 32,
      learningRates: [1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
      seeds: 30,
    },
  },
  metrics: {
    F1: "F1 of the digit on all test images together, threshold 0.5",
    "F1, tuned threshold": "the same with the threshold chosen on validation images",
    "measured F1": "F1 as the arm measures it: of all test images, or the mean over batches",
    bias: "F1 less measured F1",
    "bias, a quarter of the data": "the same on the first quarter of the test images",
    "batches left out": "share of the batches without an F1",
    reversals: "share of the pairs of 19 thresholds (0.05 to 0.95) that measured F1 orders otherwise than F1",
  },
  curves: { "training loss": { x: "step", y: "each arm's own loss" } },
  claims: [
    {
      id: "training",
      statement:
        "Training on the pooled Dice loss gives a higher F1 than training on that of single examples.",
      rule: training,
      comparisons: [{ metric: "F1", method: "batchDice", baseline: "sampleDice", better: "higher" }],
    },
    {
      id: "training-tuned",
      statement: "It does so also where both have their threshold chosen on validation data.",
      rule: training,
      comparisons: [
        { metric: "F1, tuned threshold", method: "batchDice", baseline: "sampleDice", better: "higher" },
      ],
    },
    {
      id: "bias-8",
      statement: "The mean F1 of batches of 8 is a biased measure of F1.",
      rule: measuring,
      comparisons: [{ metric: "measured F1", method: "meanOf8", baseline: "crossEntropy", better: "higher" }],
      decide: biased,
    },
    {
      id: "bias-64",
      statement: "The mean F1 of batches of 64 is a biased measure of F1.",
      rule: measuring,
      comparisons: [
        { metric: "measured F1", method: "meanOf64", baseline: "crossEntropy", better: "higher" },
      ],
      decide: biased,
    },
    {
      id: "more-data",
      statement: "The bias of batches of 8 is there on a quarter of the data and on all of it.",
      rule: "Supports if the biases of batches of 8, on a quarter of the test images and on all of them, both lie beyond 0.01 with their 95 % intervals, contradicts if both lie within 0.01 of 0, else inconclusive.",
      comparisons: [
        {
          metric: "bias, a quarter of the data",
          method: "meanOf8",
          baseline: "crossEntropy",
          better: "higher",
        },
        { metric: "bias", method: "meanOf8", baseline: "crossEntropy", better: "higher" },
      ],
      decide: biased,
    },
  ],
  distance:
    "The paper fine-tunes BERT on paraphrase and tagging data and trains translation models; here a linear model of 49 pixels tells one digit, a tenth of 2,000 images, from the others.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseRate(arm, settings, signal);
    const { task, predict } = await trained(arm, learningRate, settings, seed, signal, (i, steps, loss) => {
      report.progress(i / steps);
      report.point("training loss", i, loss);
    });
    const probabilities = await predict(task.test.x);
    const { threshold } = bestThresholdF1(await predict(task.validation.x), task.validation.labels);
    const count = probabilities.length;
    const size = arms[arm]!.measure ?? count;
    const order = batches(count, size, random(seed).split("measure"));
    const measured = (predictions: Float32Array, parts: Int32Array[]) =>
      simpsonsBias(
        (examples: readonly number[]) => f1Of(predictions, task.test.labels, examples),
        parts.map((part) => Array.from(part)),
      );
    const all = measured(decide(probabilities), order);
    const quarter = measured(decide(probabilities), order.slice(0, Math.ceil(order.length / 4)));
    const thresholds = Array.from({ length: 19 }, (_, i) =>
      measured(decide(probabilities, (i + 1) / 20), order),
    );
    return {
      F1: all.population,
      "F1, tuned threshold": f1FromCounts(confusionCounts(decide(probabilities, threshold), task.test.labels))
        .f1,
      "measured F1": all.mean,
      bias: all.bias,
      "bias, a quarter of the data": quarter.bias,
      "batches left out": all.skipped / order.length,
      reversals:
        reversalRate(
          thresholds.map(({ population }) => population),
          thresholds.map(({ mean }) => mean),
        ) || 0,
    };
  },
});

/** F1 of some of the examples; NaN where there is no positive among them and none predicted. */
function f1Of(predictions: Float32Array, labels: Float32Array, examples: readonly number[]): number {
  const counts = confusionCounts(
    examples.map((i) => predictions[i]!),
    examples.map((i) => labels[i]!),
  );
  return counts.trueNegatives === examples.length ? Number.NaN : f1FromCounts(counts).f1;
}

async function trained(
  arm: string,
  learningRate: number,
  settings: Settings,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, steps: number, loss: number) => void,
) {
  const { train, validation, test, steps } = settings;
  const task = oneDigit({ train, validation, test, prevalence: 0.1, side: 7, seed });
  const { loss, batch } = arms[arm]!;
  const options = {
    task,
    loss,
    hidden: [],
    learningRate,
    steps,
    batchSize: batch(settings),
    seed,
    signal,
    onStep,
  };
  return { task, predict: await trainBinary(options) };
}

/** The rate with the best F1 at threshold 0.5 on validation images. */
function chooseRate(arm: string, settings: Settings, signal: AbortSignal): Promise<number> {
  const tuned = arms[arm]!.measure ? "crossEntropy" : arm;
  return chooseOnce(["simpsons-bias", tuned, settings], settings.learningRates, async (learningRate) => {
    const { task, predict } = await trained(tuned, learningRate, settings, TUNING_SEED, signal);
    const { x, labels } = task.validation;
    return f1FromCounts(confusionCounts(decide(await predict(x)), labels)).f1;
  });
}
