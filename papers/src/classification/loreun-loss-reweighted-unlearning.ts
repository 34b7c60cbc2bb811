import { type UnlearningOutcome, unlearningGap } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy, type Metrics } from "../study.ts";
import {
  type BaseMethod,
  baseMethods,
  forgetTask,
  outcome,
  type UnlearningSize,
  unlearn,
  type Weighting,
} from "../tasks/unlearning.ts";

export const card: Card = {
  number: 136,
  slug: "loreun-loss-reweighted-unlearning",
  title: "LoReUn: Data Itself Implicitly Provides Cues to Improve Machine Unlearning",
  year: 2025,
  family: "classification",
  kind: "objective",
  arxiv: "2507.22499",
  link: "https://arxiv.org/abs/2507.22499",
  summary:
    "Forget samples on which the model still has low loss are treated as hard to unlearn, and each gets a weight that decreases exponentially with its loss. The weights enter only the forget term of an existing unlearning objective such as gradient ascent, random labelling or SalUn. They are computed once from the original model or refreshed from the current one in the same forward pass.",
  claim:
    "Weighting forget samples by loss brings approximate unlearning nearer to a model retrained without them than the same method with uniform weights. The effect holds in image classification and in diffusion models and costs next to nothing.",
  formula: String.raw`L=L_{retain}(D_r)+\alpha\,\frac1{|B|}\sum_{i\in B}w_i\,\ell_{forget}(x_i),\qquad w_i\propto\exp(-\ell_i/\tau)`,
  exports: [
    "losses/unlearning: lossReweighted",
    "metrics/unlearning: unlearningGap",
    "metrics/unlearning: membershipInference",
  ],
  notes: [
    "No code is public. How the weights are normalised could not be checked; here their mean over a batch is 1, so that a step is as long as with uniform weights. The library also offers the raw exponentials.",
    "The forget and the retain term weigh alike, α = 1; the learning rate sets how strong forgetting is.",
    "Each way of weighting has eight candidates for each base method, chosen by the gap on a seed that no trial uses: eight learning rates for uniform weights, four and two temperatures for the others. Those four lie around the best rate of uniform weights on that seed.",
    "The membership attack is a threshold on the probability of the true label that best tells retained from test examples.",
    "Random labelling teaches one wrong label for each forget example. SalUn is random labelling on the half of the weights with the largest gradient of the forget loss in the original model.",
    "A tenth of the training labels is wrong, so that forget examples differ in how hard they are. Forgetting whole classes, diffusion models and the correlation of loss and difficulty are left out.",
  ],
};

const arms: Record<Weighting, string> = {
  dynamic: "weights exp(−ℓ/τ) from the current model",
  static: "weights exp(−ℓ/τ) from the original model",
  uniform: "equal weights: the base method",
  reversed: "weights exp(+ℓ/τ) from the current model, as a control",
  random: "the original model's weights, dealt out by chance, as a control",
};

interface Settings extends UnlearningSize {
  passes: number;
  forgetBatch: number;
  retainBatch: number;
  uniformRates: number[];
  weightedRates: number[];
  temperatures: number[];
}

const settings: Settings = {
  train: 2000,
  test: 2000,
  noise: 0.1,
  forget: 0.1,
  epochs: 15,
  batchSize: 50,
  rate: 1e-3,
  passes: 3,
  forgetBatch: 20,
  retainBatch: 100,
  uniformRates: [3e-5, 1e-4, 2e-4, 4e-4, 7e-4, 1e-3, 2e-3, 4e-3],
  weightedRates: [1e-4, 2e-4, 4e-4, 8e-4],
  temperatures: [0.5, 2],
};

const outcomes: Record<keyof UnlearningOutcome, string> = {
  unlearning: "share of the forgotten examples that are misclassified",
  retain: "accuracy on retained examples",
  test: "accuracy on test examples",
  membership: "share of the forgotten examples that look like non-members to an attack",
};
const keys = Object.keys(outcomes) as (keyof UnlearningOutcome)[];

const measures = {
  gap: "mean absolute difference of four numbers to the retrained model, mean of the base methods",
  ...Object.fromEntries(
    baseMethods.map((method) => [`gap, ${method}`, "mean absolute difference to the retrained model"]),
  ),
  ...Object.fromEntries(keys.map((key) => [`${key}, relabel`, outcomes[key]])),
  ...Object.fromEntries(keys.map((key) => [`${key}, retrained`, outcomes[key]])),
  "gap of the original model": "mean absolute difference to the retrained model before unlearning",
};

const against = (baseline: Weighting, metric = "gap") => ({
  metric,
  method: "dynamic",
  baseline,
  better: "lower" as const,
});

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      train: 200,
      test: 100,
      epochs: 2,
      passes: 1,
      retainBatch: 20,
      uniformRates: [1e-3],
      weightedRates: [1e-3],
      temperatures: [1],
      seeds: 1,
    },
    default: { ...settings, seeds: 8 },
    full: { ...settings, train: 6000, epochs: 20, seeds: 30 },
  },
  metrics: measures,
  curves: { "gap by method": { x: "base method: ascent, relabel, SalUn", y: "gap to the retrained model" } },
  claims: [
    {
      id: "closer",
      statement:
        "Weighting forget examples by their current loss brings unlearning closer to retraining than equal weights.",
      rule: "The paired difference of the gap, mean of the three base methods. Supports if its 95 % interval lies below 0 against equal weights and against weights dealt out by chance, contradicts if it lies above 0 against one, else inconclusive.",
      comparisons: [against("uniform"), against("random")],
    },
    {
      id: "each",
      statement: "It does so for each of the base methods.",
      rule: "As before against equal weights, for gradient ascent, random labelling and SalUn one by one.",
      comparisons: baseMethods.map((method) => against("uniform", `gap, ${method}`)),
    },
    {
      id: "direction",
      statement: "Weights that grow with the loss do worse.",
      rule: "As before, against reversed weights.",
      comparisons: [against("reversed")],
    },
  ],
  distance:
    "The paper unlearns CIFAR and Tiny ImageNet classes and examples in ResNets and concepts in Stable Diffusion; here a network of 109,000 weights forgets 200 of 2,000 digits.",
  async run({ arm, seed, settings, report, signal }) {
    const task = await forgetTask(sizeOf(settings), seed);
    const target = await outcome(task.retrained, task);
    const metrics: Metrics = {
      gap: 0,
      "gap of the original model": unlearningGap(await outcome(task.original, task), target),
    };
    for (const key of keys) metrics[`${key}, retrained`] = target[key];
    for (const [index, method] of baseMethods.entries()) {
      const choice = await choose(arm as Weighting, method, settings, signal);
      const found = await outcome(
        await unlearn({ ...settings, ...choice, task, method, weighting: arm as Weighting, seed, signal }),
        task,
      );
      const gap = unlearningGap(found, target);
      metrics[`gap, ${method}`] = gap;
      metrics.gap! += gap / baseMethods.length;
      report.point("gap by method", index, gap);
      report.progress((index + 1) / baseMethods.length);
      if (method === "relabel") for (const key of keys) metrics[`${key}, relabel`] = found[key];
    }
    return metrics;
  },
});

const sizeOf = ({ train, test, noise, forget, epochs, batchSize, rate }: Settings): UnlearningSize => ({
  train,
  test,
  noise,
  forget,
  epochs,
  batchSize,
  rate,
});

function choose(weighting: Weighting, method: BaseMethod, settings: Settings, signal: AbortSignal) {
  const { uniformRates, weightedRates, temperatures } = settings;
  const candidates =
    weighting === "uniform"
      ? uniformRates.map((learningRate) => ({ learningRate, temperature: 1 }))
      : weightedRates.flatMap((learningRate) =>
          temperatures.map((temperature) => ({ learningRate, temperature })),
        );
  return chooseOnce(["loreun", weighting, method, settings], candidates, async (choice) => {
    const task = await forgetTask(sizeOf(settings), TUNING_SEED);
    const options = { ...settings, ...choice, task, method, weighting, seed: TUNING_SEED, signal };
    const found = await outcome(await unlearn(options), task);
    return -unlearningGap(found, await outcome(task.retrained, task));
  });
}
