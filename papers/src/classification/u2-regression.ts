import { evaluate, fromData, item } from "nearmiss";
import { absoluteError, huber, pinball, squaredError, u2Loss } from "nearmiss/losses";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  field,
  humidity,
  type RegressionLoss,
  type SensorTask,
  type SensorTaskSize,
  trainRegressor,
} from "../tasks/incomplete-sensors.ts";

export const card: Card = {
  number: 72,
  slug: "u2-regression",
  title: "Regression with Sensor Data Containing Incomplete Observations",
  year: 2023,
  family: "classification",
  kind: "objective",
  arxiv: "2304.13415",
  link: "https://arxiv.org/abs/2304.13415",
  summary:
    "Regression for labels that are sometimes silently too low. Points whose label lies above the current prediction are trusted, and all others are treated as unlabelled, since the loss on that side is chosen with a slope g that ignores the label. From both parts the gradient for clean labels is rebuilt with one constant, the fraction β of complete observations.",
  claim:
    "If some labels are corrupted downwards independently of the input, regression with squared, absolute or Huber loss is biased low. The gradient from upper labels and unlabelled inputs equals in expectation that of training on clean labels, which lowers the mean absolute error against clean labels.",
  formula: String.raw`\hat\nabla=\frac1n\sum_ig\,\nabla f(x_i)+\frac1{\beta n}\sum_{i:\,y'_i\ge f(x_i)}\big(\partial_f\ell(f,y'_i)-g\big)\nabla f(x_i)`,
  exports: [
    "losses/weak-supervision: u2Loss",
    "losses/regression: pinball",
    "losses/regression: huber",
    "data/weak: incompleteObservations",
  ],
  notes: [
    "The formula is used with weight 1/β on the labels above the prediction. The paper leaves that weight to validation; averaging over the upper labels alone with a constant weight would cancel g for the intercept and let the bias drift upwards.",
    "With the absolute loss on both sides the objective is 2/β times the pinball loss of the quantile 1 - β/2, so it can only tie with quantile regression at that level. The study has this baseline and a claim on it.",
    "The squared loss above is an arm of its own: its minimiser depends on the scale of the noise even where all labels are complete.",
    "β cannot be chosen by asking that a fraction β/2 of the labels lie above the predictions: the minimiser fulfils this for any β. So β is known here, and one arm shows what a wrong one (0.8 for 0.6) costs.",
    "Learning rates are chosen by each arm's own loss on incomplete validation labels, as one would have to without clean ones. Quantile regression takes over that of u2.",
    "In a first run quantile regression had a learning rate of its own. Rounding made the two equal objectives settle on different rates, and u2 won by 0.007 [0.001, 0.012], which says nothing about the losses; they share the rate since.",
    "On humidity the true function is unknown, so some incomplete readings stay above it, which the theory excludes.",
  ],
};

const tasks: Record<string, (size: SensorTaskSize) => SensorTask> = { field, humidity };

const arms = {
  u2: "labels above the prediction and unlabelled inputs, absolute loss, β known",
  u2Squared: "the same with the squared loss above",
  u2WrongCompleteness: "u2 with half of the incomplete fraction overlooked",
  squared: "squared error",
  absolute: "absolute error",
  huber: "Huber loss, δ = 1 standard deviation",
  quantile: "pinball loss at the matched level 1 − β/2",
  complete: "absolute error on complete labels, the ceiling",
};

const lossOf = (arm: string, completeness: number): RegressionLoss => {
  switch (arm) {
    case "u2":
      return (f, y) => u2Loss(f, y, { completeness });
    case "u2Squared":
      return (f, y) => u2Loss(f, y, { completeness, upper: "squared" });
    case "u2WrongCompleteness":
      return (f, y) => u2Loss(f, y, { completeness: (1 + completeness) / 2 });
    case "squared":
      return squaredError;
    case "huber":
      return (f, y) => huber(f, y, { delta: 1 });
    case "quantile":
      return (f, y) => pinball(f, y, { quantile: 1 - completeness / 2 });
    default:
      return absoluteError;
  }
};

interface Settings {
  train: number;
  validation: number;
  test: number;
  completeness: number;
  loss: number;
  epochs: number;
  batchSize: number;
  learningRates: number[];
}

const settings: Settings = {
  train: 2000,
  validation: 500,
  test: 2000,
  completeness: 0.6,
  loss: 1,
  epochs: 60,
  batchSize: 100,
  learningRates: [1e-3, 3e-3, 1e-2],
};

const below = (metric: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method: "u2", baseline, better: "lower" as const }));
const ordinary = ["squared", "absolute", "huber"];

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      train: 200,
      validation: 100,
      test: 200,
      epochs: 2,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 6 },
    full: { ...settings, train: 8000, test: 8000, epochs: 300, seeds: 20 },
  },
  metrics: {
    MAE: "mean absolute error against complete test labels, in standard deviations, mean over the tasks",
    bias: "absolute value of the mean error against complete test labels, likewise",
    ...Object.fromEntries(
      Object.keys(tasks).flatMap((task) => [
        [`MAE, ${task}`, "mean absolute error against complete test labels, in standard deviations"],
        [`mean error, ${task}`, "prediction minus complete test label, mean, in standard deviations"],
      ]),
    ),
  },
  curves: { "training loss": { x: "step", y: "loss on the field" } },
  claims: [
    {
      id: "error",
      statement:
        "With 40 % incomplete observations, u2 regression has a lower error against complete labels than squared, absolute and Huber regression.",
      rule: "The difference of the mean absolute error over the tasks, paired by seed. Supports if its 95 % interval speaks for u2 against all three, contradicts if it speaks against u2 for one, else inconclusive.",
      comparisons: below("MAE", ordinary),
    },
    {
      id: "bias",
      statement: "Its predictions are less biased than those of squared, absolute and Huber regression.",
      rule: "As for the error, with the absolute value of the mean error.",
      comparisons: below("bias", ordinary),
    },
    {
      id: "quantile",
      statement: "Its error is lower than that of quantile regression at the matched level 1 − β/2.",
      rule: "As for the error, against the pinball loss. Theory expects a tie, that is an inconclusive verdict.",
      comparisons: below("MAE", ["quantile"]),
    },
  ],
  distance:
    "The paper adds private bed-sensor data to public data sets; here are 2,000 readings each of a made-up field and of four real humidity sensors, with 40 % of the labels made too low, and networks of two layers of 32.",
  async run({ arm, seed, settings, report, signal }) {
    const metrics: Record<string, number> = { MAE: 0, bias: 0 };
    const names = Object.keys(tasks);
    for (const [index, name] of names.entries()) {
      const learningRate = await choose(name, arm, settings, signal);
      const { predict, task } = await train(
        name,
        arm,
        settings,
        seed,
        learningRate,
        signal,
        (step, steps, loss) => {
          report.progress((index + step / steps) / names.length);
          if (name === "field") report.point("training loss", step, loss);
        },
      );
      const errors = (await predict(task.test.x)).map((value, i) => value - task.test.clean[i]!);
      const mean = (list: Float32Array) => list.reduce((a, b) => a + b, 0) / list.length;
      metrics[`MAE, ${name}`] = mean(errors.map(Math.abs));
      metrics[`mean error, ${name}`] = mean(errors);
      metrics.MAE! += metrics[`MAE, ${name}`]! / names.length;
      metrics.bias! += Math.abs(metrics[`mean error, ${name}`]!) / names.length;
    }
    return metrics;
  },
});

async function train(
  name: string,
  arm: string,
  settings: Settings,
  seed: number,
  learningRate: number,
  signal: AbortSignal,
  onStep?: (step: number, steps: number, loss: number) => void,
) {
  const { train, validation, test, completeness, loss: lost, epochs, batchSize } = settings;
  const task = tasks[name]!({ train, validation, test, completeness, loss: lost, seed });
  const { x, clean, observed } = task.train;
  const predict = await trainRegressor({
    x,
    labels: arm === "complete" ? clean : observed,
    inputs: task.inputs,
    loss: lossOf(arm, completeness),
    learningRate,
    epochs,
    batchSize,
    seed,
    signal,
    onStep,
  });
  return { predict, task };
}

/**
 * Learning rate by the arm's own loss on validation labels that are as incomplete as those for training.
 * Quantile regression takes over that of u2, since Adam does not see the factor between the two.
 */
function choose(name: string, tuned: string, settings: Settings, signal: AbortSignal) {
  const arm = tuned === "quantile" ? "u2" : tuned;
  return chooseOnce(["u2-regression", name, arm, settings], settings.learningRates, async (learningRate) => {
    const { predict, task } = await train(name, arm, settings, TUNING_SEED, learningRate, signal);
    const { x, clean, observed } = task.validation;
    const labels = fromData(arm === "complete" ? clean : observed, [observed.length]);
    const predictions = fromData(await predict(x), [observed.length]);
    return -item(await evaluate(lossOf(arm, settings.completeness)(predictions, labels)));
  });
}
