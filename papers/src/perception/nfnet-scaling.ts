import { compile, fromData, scalar, softmax, type Tensor, valueAndGrad, values } from "nearmiss";
import { augment, mnist, take } from "nearmiss/data";
import { fitPowerLaw, multiplyAdds } from "nearmiss/diagnostics";
import { fit } from "nearmiss/fit";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { accuracy, argMax, logLoss } from "nearmiss/metrics";
import { type Layer, normal, normalizerFreeNet, visionTransformer } from "nearmiss/nn";
import { adamW } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { noWorseBy } from "../decide.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";

export const card: Card = {
  number: 183,
  slug: "nfnet-scaling",
  title: "ConvNets Match Vision Transformers at Scale",
  year: 2023,
  family: "perception",
  kind: "model",
  arxiv: "2310.16764",
  link: "https://arxiv.org/abs/2310.16764",
  code: "https://github.com/google-deepmind/deepmind-research/tree/master/nfnets",
  summary:
    "Convolutional networks without normalisation layers (NFNets) of several depths and widths are pre-trained on JFT-4B, a labelled set of billions of images, for budgets from a quarter epoch to eight epochs. They use scaled weight standardisation, analytic variance prediction in residual blocks and adaptive gradient clipping, with the learning rate tuned per budget. The best models are then fine-tuned and compared with Vision Transformers.",
  claim:
    "Held-out loss of normaliser-free convnets follows a straight line against compute on log-log axes. After fine-tuning, they match the accuracy of Vision Transformers that were given comparable pre-training compute.",
  formula: String.raw`\log L=a-b\log C,\qquad h_{l+1}=h_l+\alpha f_l(h_l/\beta_l)`,
  exports: [
    "nn/nfnet: normalizerFreeNet",
    "nn/nfnet: normalizerFreeBlock",
    "nn/nfnet: expectedDeviations",
    "nn/nfnet: standardizedConv",
    "nn/nfnet: standardizeWeights",
    "nn/nfnet: variancePreserving",
    "nn/vision-transformer: visionTransformer",
    "optim/adaptive-clip: clipAdaptively",
    "diagnostics/multiply-adds: multiplyAdds",
    "diagnostics/scaling: fitPowerLaw",
  ],
  notes: [
    "Both families are trained by AdamW, so that they differ in their architecture alone, with the better of two learning rates for each family and budget. The paper's SGD with momentum and adaptive clipping is in the library; with it, and a limit of 0.01 or 0.16, convnets were far slower at these few steps on a trial seed.",
    "The transformer's positions start with a deviation of 1, not the usual 0.02, which on a trial seed left it near a third of the digits after the largest budget; so did sines and cosines.",
    "There is one size of each family, about 0.25 million multiply-adds a picture, so that a budget buys steps only; the paper's line is over the best of several depths and epochs.",
    "The law is tested by what it foretells: a line through the two smaller budgets, on log-log axes, against the loss at the largest. Two arms are the same convnets, with the loss foretold to stay, or to go on falling by equal amounts for equal factors of compute.",
    "The authors' code divides by the expected deviation behind the first activation of a block, and multiplies ReLU by 1.71396, a measured gain; here the division comes first, as in the formula, and the gain is the exact 1.71286. Squeeze and excitation, groups, dropout and stochastic depth are left out.",
    "The other task to which networks are tuned is that of transposed digits.",
    "Default run: the convnet is far ahead at these budgets (loss 0.56 against 1.43 after the largest), a matter of its bias for images and no sign of what happens at scale. A power law through two points foretells the third with an error of 0.28 in the logarithm: far better than no change, no better than a line of the loss itself. The convnet's loss falls faster than that law says. Tuned on transposed digits, the convnet's accuracy spreads widely over seeds (0.46 ± 0.06), which leaves that claim open.",
  ],
};

interface Settings {
  /** Multiply-adds of training, rising. */
  budgets: number[];
  batchSize: number;
  /** Pictures for judging. */
  test: number;
  /** Labelled pictures of the other task, and steps of tuning on them. */
  labelled: number;
  tuning: number;
  tuningRates: number[];
  learningRates: number[];
}

const settings: Settings = {
  budgets: [0.7e9, 1.9e9, 5e9],
  batchSize: 32,
  test: 1000,
  labelled: 300,
  tuning: 100,
  tuningRates: [3e-3, 1e-2],
  learningRates: [5e-3, 1.5e-2],
};

const arms = {
  convnet: "normaliser-free convolutional network",
  vit: "vision transformer of as many multiply-adds",
  logarithmic: "the convnet, its last loss foretold by a line of loss against the logarithm of compute",
  flat: "the convnet, its last loss foretold to be that of the budget before",
};

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      budgets: [2e7, 4e7, 8e7],
      batchSize: 8,
      test: 20,
      labelled: 10,
      tuning: 1,
      tuningRates: [3e-3],
      learningRates: [5e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: { ...settings, budgets: [3e9, 1e10, 3e10, 1e11, 3e11], tuning: 500, seeds: 10 },
  },
  metrics: {
    "loss, smallest budget": "log-loss of pictures of digits that training never shows, nats",
    "loss, largest budget": "the same after the largest budget, nats",
    "log loss": "logarithm of the loss, mean over the two largest budgets",
    accuracy: "share of these digits recognised after the largest budget",
    slope: "of the logarithm of the loss against that of compute, over all budgets",
    "accuracy, tuned": "share of transposed digits recognised, after tuning on a few",
    "prediction error": "|logarithm of loss foretold / measured| at the largest budget",
  },
  curves: { scaling: { x: "training multiply-adds, log10", y: "held-out loss, ln nats" } },
  claims: [
    {
      id: "law",
      statement: "A power law foretells the convnet's loss at the largest budget from those before.",
      rule: "The error of the logarithm foretold, paired by seed. Supports if its 95 % interval lies below that of the loss of the budget before, and below that of a line against the logarithm of compute; contradicts if above one of them, else inconclusive.",
      comparisons: ["logarithmic", "flat"].map((baseline) => ({
        metric: "prediction error",
        method: "convnet",
        baseline,
        better: "lower" as const,
      })),
    },
    {
      id: "loss",
      statement: "With equal compute, the convnet's loss is no worse than the transformer's, by 5 %.",
      rule: "The difference of the logarithm of the loss, a mean over the two largest budgets, paired by seed. Supports if its 95 % interval lies below 0.05, contradicts if above, else inconclusive.",
      comparisons: [{ metric: "log loss", method: "convnet", baseline: "vit", better: "lower" }],
      decide: noWorseBy(0.05),
    },
    {
      id: "tuned",
      statement: "Tuned on a few pictures of another task, it is no less accurate, by 1 point.",
      rule: "The difference of accuracy, paired by seed. Supports if its 95 % interval lies above -0.01, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "accuracy, tuned", method: "convnet", baseline: "vit", better: "higher" }],
      decide: noWorseBy(0.01),
    },
  ],
  distance:
    "The paper trains NFNets for up to 110,000 TPU hours on JFT-4B and tunes them on ImageNet, where they match transformers of the literature; here are networks of a quarter of a million multiply-adds, at most 7,000 pictures of 16 by 16 pixels, and budgets of 0.7 to 5 thousand million multiply-adds. Nothing here reaches the scale at which transformers catch up.",
  async run({ arm, seed, settings, report, signal }) {
    const family = arm === "vit" ? "vit" : "convnet";
    const { losses, accuracy, tuned } = await results(family, settings, seed, signal);
    const { budgets } = settings;
    const logs = losses.map(Math.log);
    if (arm === family)
      for (const [i, budget] of budgets.entries()) report.point("scaling", Math.log10(budget), logs[i]!);
    report.progress(1);
    const last = budgets.length - 1;
    const foretold = {
      power: Math.log(fitPowerLaw(budgets.slice(0, last), losses.slice(0, last)).predict(budgets[last]!)),
      // A power law of e^loss is a line of the loss against the logarithm.
      line: Math.log(
        Math.max(
          1e-3,
          Math.log(
            fitPowerLaw(budgets.slice(0, last), losses.slice(0, last).map(Math.exp)).predict(budgets[last]!),
          ),
        ),
      ),
      same: logs[last - 1]!,
    };
    const guess = arm === "flat" ? foretold.same : arm === "logarithmic" ? foretold.line : foretold.power;
    return {
      "loss, smallest budget": losses[0]!,
      "loss, largest budget": losses[last]!,
      "log loss": (logs[last]! + logs[last - 1]!) / 2,
      accuracy,
      slope: fitPowerLaw(budgets, losses).slope,
      "accuracy, tuned": tuned,
      "prediction error": Math.abs(guess - logs[last]!),
    };
  },
});

/** Trains with each budget, and tunes what the largest has given. */
const results = remember(async (family: Family, settings: Settings, seed: number, signal?: AbortSignal) => {
  const { budgets, learningRates, tuningRates } = settings;
  const losses: number[] = [];
  let params: unknown;
  let rate = 0;
  for (const budget of budgets) {
    const key = ["nfnet-scaling", family, budget, settings];
    rate = await chooseOnce(key, learningRates, async (candidate) => {
      const trained = await pretrain(family, candidate, budget, settings, TUNING_SEED, signal);
      return -(await judge(family, trained, settings, TUNING_SEED)).loss;
    });
    params = await pretrain(family, rate, budget, settings, seed, signal);
    losses.push((await judge(family, params, settings, seed)).loss);
  }
  const largest = budgets.at(-1)!;
  const tuningRate = await chooseOnce(
    ["nfnet-scaling tuning", family, settings],
    tuningRates,
    async (candidate) => {
      const start = await pretrain(family, rate, largest, settings, TUNING_SEED, signal);
      const tuned = await tune(family, start, candidate, settings, TUNING_SEED, signal);
      return (await judge(family, tuned, settings, TUNING_SEED, true)).accuracy;
    },
  );
  const tuned = await tune(family, params, tuningRate, settings, seed, signal);
  return {
    losses,
    accuracy: (await judge(family, params, settings, seed)).accuracy,
    tuned: (await judge(family, tuned, settings, seed, true)).accuracy,
  };
}, 4);

const SIDE = 16;
const PIXELS = SIDE * SIDE;

type Family = "convnet" | "vit";

/** Networks of about a quarter of a million multiply-adds a picture, forward. */
const networks: Record<Family, () => Layer<unknown>> = {
  convnet: () =>
    normalizerFreeNet({
      side: SIDE,
      stages: [
        { filters: 16, depth: 1 },
        { filters: 32, depth: 1 },
      ],
      outputs: 10,
    }) as Layer<unknown>,
  vit: () =>
    visionTransformer({
      side: SIDE,
      patch: 4,
      width: 24,
      layers: 2,
      heads: 2,
      outputs: 10,
      positions: normal(1),
    }) as Layer<unknown>,
};

/** Digits with no end of views, and digits that training never shows. */
const digits = remember((seed: number) => mnist({ train: 8000, test: 2000, size: 14, seed }), 2);

interface Pictures {
  /** [n, PIXELS] */
  x: Float32Array;
  labels: Int32Array;
}

/** Random views of digits: turned, scaled, moved and bent, on a larger sheet, in noise; transposed for the other task. */
function views(
  part: "train" | "test",
  rows: Int32Array,
  seed: number,
  draw: Random,
  transposed = false,
): Pictures {
  const { images, labels } = digits(seed)[part];
  const sheets = new Float32Array(rows.length * PIXELS);
  for (let i = 0; i < rows.length; i++)
    for (let at = 0; at < 196; at++) {
      const [row, column] = transposed ? [at % 14, Math.floor(at / 14)] : [Math.floor(at / 14), at % 14];
      sheets[i * PIXELS + (1 + row) * SIDE + 1 + column] = images[rows[i]! * 196 + at]!;
    }
  const options = { rotation: 10, scale: [0.9, 1.1], shift: 1 } as const;
  const x = augment(sheets, draw, options, SIDE);
  const noise = draw.normal(x.length, 0, 0.1);
  return { x: x.map((ink, at) => (ink - 0.1 + noise[at]!) / 0.25), labels: take(labels, rows) };
}

const testViews = remember((count: number, seed: number, transposed: boolean): Pictures => {
  const draw = random(seed).split(transposed ? "transposed test" : "test");
  return views("test", draw.sample(2000, count), seed, draw, transposed);
}, 4);

interface Batch {
  x: Tensor;
  labels: Tensor;
}

const batchOf = ({ x, labels }: Pictures): Batch => ({
  x: fromData(x, [labels.length, PIXELS]),
  labels: fromData(labels, [labels.length]),
});

const model = remember((family: Family) => {
  const network = networks[family]();
  const one = fromData(new Float32Array(PIXELS), [1, PIXELS]);
  return {
    network,
    loss: (params: unknown, { x, labels }: Batch) => softmaxCrossEntropy(network.apply(params, x), labels),
    /** Multiply-adds of one picture, forward. */
    work: multiplyAdds(network.apply(network.init(random(0)), one)),
    predict: compile((params: unknown, x: Tensor) => softmax(network.apply(params, x)), { threads: 1 }),
  };
});

/** A training step takes about three times the work of the forward pass. */
const stepsFor = (budget: number, family: Family, { batchSize }: Settings) =>
  Math.max(1, Math.round(budget / (3 * batchSize * model(family).work)));

interface Rated extends Batch {
  rate: Tensor;
}

/** One step, whose learning rate comes with the batch, so that budgets share a graph. */
const stepper = remember((family: Family) => {
  const { loss } = model(family);
  const optimizer = (rate: Tensor) => adamW({ learningRate: () => rate, weightDecay: 0.05 });
  return {
    init: (params: unknown) => optimizer(scalar(0)).init(params),
    step: compile(
      (state: ReturnType<ReturnType<typeof optimizer>["init"]>, { rate, ...batch }: Rated) => {
        const [value, gradients] = valueAndGrad(loss)(state.params, batch);
        return { state: optimizer(rate).update(state, gradients), loss: value };
      },
      { threads: 1 },
    ),
  };
}, 8);

interface Training {
  family: Family;
  /** Of a rate that falls to 0 along half a cosine. */
  learningRate: number;
  steps: number;
  params: unknown;
  batch: (i: number) => Batch;
  signal?: AbortSignal;
}

async function train({ family, learningRate, steps, params, batch, signal }: Training) {
  const { init, step } = stepper(family);
  const { state } = await fit({
    state: init(params),
    step,
    steps,
    signal,
    batch: (i): Rated => ({
      ...batch(i),
      rate: fromData(Float32Array.of((learningRate * (1 + Math.cos((Math.PI * i) / steps))) / 2), []),
    }),
  });
  return state.params;
}

/** Trains on new views of digits until the budget is spent. */
function pretrain(
  family: Family,
  learningRate: number,
  budget: number,
  settings: Settings,
  seed: number,
  signal?: AbortSignal,
) {
  const steps = stepsFor(budget, family, settings);
  const root = random(seed).split("stream");
  return train({
    family,
    learningRate,
    steps,
    signal,
    params: model(family).network.init(random(seed).split("weights")),
    batch: (i) => {
      const draw = root.split(i);
      const rows = Int32Array.from({ length: settings.batchSize }, () => draw.integer(0, 8000));
      return batchOf(views("train", rows, seed, draw));
    },
  });
}

/** Goes on with a few labelled pictures of transposed digits. */
function tune(
  family: Family,
  start: unknown,
  learningRate: number,
  settings: Settings,
  seed: number,
  signal?: AbortSignal,
) {
  const root = random(seed).split("labelled");
  const few = views("train", root.sample(8000, settings.labelled), seed, root.split("views"), true);
  return train({
    family,
    learningRate,
    steps: settings.tuning,
    signal,
    params: start,
    batch: (i) => {
      const draw = root.split(i);
      const rows = Int32Array.from({ length: settings.batchSize }, () => draw.integer(0, settings.labelled));
      return batchOf({ x: take(few.x, rows, PIXELS), labels: take(few.labels, rows) });
    },
  });
}

async function judge(family: Family, params: unknown, settings: Settings, seed: number, transposed = false) {
  const { x, labels } = testViews(settings.test, seed, transposed);
  const seen = await model(family).predict(params, fromData(x, [labels.length, PIXELS]));
  const probabilities = values(seen) as Float32Array;
  return { loss: logLoss(probabilities, labels), accuracy: accuracy(argMax(probabilities, 10), labels) };
}
