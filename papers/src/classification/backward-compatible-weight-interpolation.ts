import { chooseAlpha, interpolateWeights, weightSoup } from "nearmiss/merge";
import { accuracy, argMax, negativeFlipRate } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { type Decision, defineStudy, type Effect, type Metrics } from "../study.ts";
import {
  dataUpdate,
  type Update,
  type UpdateSettings,
  updateTasks,
  type Weights,
} from "../tasks/data-update.ts";

export const card: Card = {
  number: 127,
  slug: "backward-compatible-weight-interpolation",
  title: "Backward Compatibility During Data Updates by Weight Interpolation",
  year: 2023,
  family: "classification",
  kind: "algorithm",
  arxiv: "2301.10546",
  link: "https://arxiv.org/abs/2301.10546",
  code: "https://github.com/amazon-science/regression-constraint-model-upgrade",
  summary:
    "After a data update the new model is fine-tuned from the old weights, and old and new weights are then averaged linearly. The mixing factor is the largest one whose development accuracy does not fall below the new model's. Variants weight each parameter by its Fisher importance or interpolate with the mean of several new models.",
  claim:
    "Interpolating old and new weights yields fewer negative flips than the new model alone, at equal accuracy and with no extra inference cost. Fisher weighting and a soup of several new models cut the flips further.",
  formula: String.raw`\theta(\alpha)=\alpha\,\theta_o+(1-\alpha)\,\theta_n,\qquad \theta_j=\frac{\alpha F^o_j\theta_{o,j}+(1-\alpha)F^n_j\theta_{n,j}}{\alpha F^o_j+(1-\alpha)F^n_j}`,
  exports: [
    "merge/interpolate: interpolateWeights",
    "merge/interpolate: weightSoup",
    "merge/interpolate: chooseAlpha",
    "merge/interpolate: normalizeImportance",
    "merge/fisher: fisherDiagonal",
    "metrics/negative-flips: negativeFlipRate",
    "metrics/negative-flips: positiveFlipRate",
  ],
  notes: [
    "Fisher weighting follows the authors' code: it is one-sided, the old model's importances scaled to mean 1 and the new model's being 1, and the importances are squared gradients of the label that the old model predicts, on old and new training data. Ours come from 600 examples. The library takes importances of both models, as the formula on this card does.",
    "The mixing factor is chosen for each seed on validation data, in steps of 0.05, and of 0.01 above 0.95, where the authors' grid for Fisher weights is finer too: the largest without loss of accuracy against the model that is interpolated with (the first new model, or the soup). A validation set of a thousand examples lets the test accuracy fall a little, which the claim on accuracy measures.",
    "The learning rate of the new models is the best of three for accuracy alone; interpolation, soup and ensemble use the same new models. Distillation keeps that rate and has its weight chosen, of three, by the same rule as the mixing factor.",
    "The soup averages three new models that differ in the order of their batches; the authors take up to sixteen.",
    "The update is large here, from 300 to 1,500 examples, which adds 3 and 12 points of accuracy: nearly every share of the old weights costs validation accuracy, and the rule without tolerance then chooses none.",
  ],
};

const arms = {
  interpolated: "between old and new weights",
  fisher: "between old and new weights, each weighted by its importance to the old model",
  soup: "mean of three new models' weights",
  interpolatedSoup: "between old weights and the soup",
  updated: "fine-tuned from the old model on all data",
  distilled: "fine-tuned with a penalty on leaving the old model's outputs",
  ensemble: "mean probabilities of old and new model, twice the cost of inference",
};

interface Settings extends UpdateSettings {
  learningRates: number[];
  distillations: number[];
}

const settings: Settings = {
  train: 1500,
  validation: 1000,
  test: 1500,
  oldEpochs: 20,
  newEpochs: 5,
  batchSize: 50,
  oldRate: 1e-3,
  importance: 600,
  learningRates: [3e-4, 1e-3, 3e-3],
  distillations: [0.3, 1, 3],
};

const lower = { metric: "negative flips", better: "lower" as const };
const accurate = { metric: "accuracy", better: "higher" as const };

/** Fewer flips, and accuracy within half a point. */
function fewerFlips([flips, accuracy]: Effect[]): Decision {
  if (flips!.high < 0 || accuracy!.high < -0.005) return "contradicts";
  return flips!.low > 0 && accuracy!.low > -0.005 ? "supports" : "inconclusive";
}
const rule =
  "Supports if the 95 % interval of the paired difference in negative flips, mean of the two tasks, lies below 0 and that of accuracy above −0.005; contradicts if flips lie above 0 or accuracy below −0.005; else inconclusive.";

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      importance: 40,
      train: 100,
      validation: 50,
      test: 100,
      oldEpochs: 2,
      newEpochs: 1,
      batchSize: 20,
      learningRates: [1e-3],
      distillations: [1],
      seeds: 1,
    },
    default: { ...settings, seeds: 6 },
    full: { ...settings, train: 1800, newEpochs: 10, seeds: 40 },
  },
  metrics: {
    "negative flips":
      "share of test examples that the old model has right and the arm wrong, mean of the tasks",
    accuracy: "share of test examples classified correctly, mean of the tasks",
    ...Object.fromEntries(
      updateTasks.flatMap((task) => [
        [`negative flips, ${task}`, "share of test examples"],
        [`accuracy, ${task}`, "share of test examples"],
        [`accuracy of the old model, ${task}`, "share of test examples"],
        [`α, ${task}`, "share of the old weights that was chosen; 0 where there is none to choose"],
      ]),
    ),
  },
  curves: {
    "flips along the way": { x: "α, from new to old weights", y: "negative flips on test, definitions" },
  },
  claims: [
    {
      id: "flips",
      statement: "Interpolated weights have fewer negative flips than the new model, at no loss of accuracy.",
      rule,
      comparisons: [
        { ...lower, method: "interpolated", baseline: "updated" },
        { ...accurate, method: "interpolated", baseline: "updated" },
      ],
      decide: fewerFlips,
    },
    {
      id: "fisher",
      statement: "Weighting by Fisher importance reduces the flips further.",
      rule,
      comparisons: [
        { ...lower, method: "fisher", baseline: "interpolated" },
        { ...accurate, method: "fisher", baseline: "interpolated" },
      ],
      decide: fewerFlips,
    },
    {
      id: "soup",
      statement: "Interpolating with a soup of new models reduces the flips further.",
      rule,
      comparisons: [
        { ...lower, method: "interpolatedSoup", baseline: "interpolated" },
        { ...accurate, method: "interpolatedSoup", baseline: "interpolated" },
      ],
      decide: fewerFlips,
    },
  ],
  distance:
    "The paper fine-tunes RoBERTa on intents and news (MASSIVE, banking77, AG News) as data or classes are added, with ten seeds; here networks of up to 135,000 weights that started at random learn e-mails and dictionary definitions, and only data are added: from 300 to 1,500 examples.",
  async run({ arm, seed, settings, report, signal }) {
    const metrics: Metrics = { "negative flips": 0, accuracy: 0 };
    for (const [index, task] of updateTasks.entries()) {
      const { learningRate, distillation } = await choose(task, settings, signal);
      const update = await dataUpdate(task, settings, seed);
      const { old, updated, test } = update;
      const first = await updated(0, learningRate);
      const before = await update.predict(old, test);
      let alpha = 0;
      let predictions: Int32Array;
      if (arm === "ensemble") {
        const [a, b] = await Promise.all([old, first].map((weights) => update.logits(weights, test)));
        predictions = argMax(meanProbabilities(a!, b!, update.classes), update.classes);
      } else if (arm === "distilled") {
        predictions = await update.predict(await updated(0, learningRate, distillation), test);
      } else {
        const souped = arm === "soup" || arm === "interpolatedSoup";
        const target = souped
          ? weightSoup(await Promise.all([0, 1, 2].map((run) => updated(run, learningRate))))
          : first;
        const importanceOld = arm === "fisher" ? await update.importance() : undefined;
        const at = (share: number) => interpolateWeights(old, target, share, { importanceOld });
        if (arm !== "updated" && arm !== "soup") {
          alpha = await largestAlpha(update, at);
          if (task === "definitions")
            for (const share of [0, 0.2, 0.4, 0.6, 0.8, 1])
              report.point(
                "flips along the way",
                share,
                negativeFlipRate(before, await update.predict(at(share), test), test.labels),
              );
        }
        predictions = await update.predict(at(alpha), test);
      }
      metrics[`negative flips, ${task}`] = negativeFlipRate(before, predictions, test.labels);
      metrics[`accuracy, ${task}`] = accuracy(predictions, test.labels);
      metrics[`accuracy of the old model, ${task}`] = accuracy(before, test.labels);
      metrics[`α, ${task}`] = alpha;
      metrics["negative flips"]! += metrics[`negative flips, ${task}`]! / updateTasks.length;
      metrics.accuracy! += metrics[`accuracy, ${task}`]! / updateTasks.length;
      report.progress((index + 1) / updateTasks.length);
    }
    return metrics;
  },
});

/** Shares of the old weights to try. */
const shares = [...Array.from({ length: 20 }, (_, i) => i / 20), 0.96, 0.97, 0.98, 0.99, 1];

/** The largest share of old weights that costs no accuracy on validation data. */
async function largestAlpha(update: Update, at: (alpha: number) => Weights): Promise<number> {
  const curve = [];
  for (const alpha of shares) {
    const predictions = await update.predict(at(alpha), update.validation);
    curve.push({ alpha, accuracy: accuracy(predictions, update.validation.labels) });
  }
  return chooseAlpha(curve);
}

/** The new models' learning rate by accuracy; then the most distillation that costs none. */
async function choose(task: string, settings: Settings, signal: AbortSignal) {
  const right = async (learningRate: number, distillation = 0) => {
    signal.throwIfAborted();
    const { updated, predict, validation } = await dataUpdate(task, settings, TUNING_SEED);
    return accuracy(
      await predict(await updated(0, learningRate, distillation), validation),
      validation.labels,
    );
  };
  const key = ["weight interpolation", task, settings];
  const learningRate = await chooseOnce(key, settings.learningRates, (rate) => right(rate));
  const distillation = await chooseOnce([...key, "distillation"], settings.distillations, async (weight) => {
    const enough = (await right(learningRate, weight)) >= (await right(learningRate));
    // Of those that cost nothing the largest, else the smallest.
    return enough ? weight : -weight;
  });
  return { learningRate, distillation };
}

function meanProbabilities(a: Float32Array, b: Float32Array, classes: number): Float64Array {
  const out = new Float64Array(a.length);
  for (const logits of [a, b]) {
    for (let start = 0; start < out.length; start += classes) {
      const row = logits.subarray(start, start + classes);
      const top = Math.max(...row);
      const total = row.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
      row.forEach((logit, i) => {
        out[start + i]! += Math.exp(logit - top) / total / 2;
      });
    }
  }
  return out;
}
