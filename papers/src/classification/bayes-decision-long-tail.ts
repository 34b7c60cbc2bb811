import { add, argMax as argMaxOf, cast, equal, fromData, mean, multiply, scalar, stack } from "nearmiss";
import { take } from "nearmiss/data";
import {
  deferredWeights,
  integratedRisk,
  ldamMargins,
  particleRepulsion,
  tailSensitiveUtility,
} from "nearmiss/losses";
import {
  accuracy,
  argMax,
  balancedAccuracy,
  ece,
  falseHeadRate,
  negativeEnergies,
  rocAuc,
} from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import { longTailedDigits } from "../tasks/long-tail.ts";
import { type Outputs, trainNetwork } from "../tasks/network.ts";
import { meanOfParticles, particles, SCALE } from "../tasks/particles.ts";

export const card: Card = {
  number: 192,
  slug: "bayes-decision-long-tail",
  title: "Long-tailed Classification from a Bayesian-decision-theory Perspective",
  year: 2023,
  family: "classification",
  kind: "objective",
  arxiv: "2303.06075",
  link: "https://arxiv.org/abs/2303.06075",
  code: "https://github.com/lblaoke/RF-DLC",
  summary:
    "Long-tailed classification is cast as minimising integrated risk: the expected utility under a posterior over models and a test distribution that is more balanced than the training data. The resulting bound weights samples by inverse class frequency, includes a utility matrix for the cost of each confusion, and is optimised with an ensemble of particles kept apart by a repulsion term.",
  claim:
    "Re-balancing losses and ensembles both approximate the minimisation of integrated risk. Training particles on that objective directly, with a utility matrix for the task, gives higher accuracy over all classes and especially the tail than re-weighting, LDAM-DRW and plain ensembles. It also lowers the rate at which tail samples are predicted as head classes.",
  formula: String.raw`\max_{q}\ \mathbb E_{q(\theta)}\Big[\sum_i\frac{1}{n_{y_i}}\sum_k u_{y_i,k}\log p_\theta(k\mid x_i)\Big]-\operatorname{KL}(q\Vert p)`,
  exports: [
    "losses/long-tail: ldamMargins",
    "losses/long-tail: deferredWeights",
    "losses/long-tail: integratedRisk",
    "losses/long-tail: particleRepulsion",
    "losses/long-tail: tailSensitiveUtility",
    "uncertainty/decision: bayesDecision",
    "metrics/false-head-rate: falseHeadRate",
    "data/long-tail: exponentialImbalance",
  ],
  notes: [
    "The loss is that of the authors' code: a mean weighted by 1 / n, LDAM margins at scale 30, the term of the utility divided by 0.3 and weighted by 1 / n of the class that is decided for, from four fifths of the epochs on, and a repulsion of the heads' weights that fades with a fifth of the epochs.",
    "In the code, particles have only the first convolution in common, not the whole backbone, and heads are cosines times 30. Here the particles share the first of two hidden layers, and all arms have cosine heads, so that heads do not differ between arms.",
    "In the code the utility is -1 below the diagonal by default, and its term has no lower clamp; scaled cosines bound it. Both are taken over.",
    "Adam with one learning rate out of the same grid for each arm, chosen by validation recall, in place of SGD with a warm-up and two decays.",
    "The published version of the paper has the title 'Making Reliable and Flexible Decisions in Long-tailed Classification'.",
  ],
};

interface Arm {
  particles: number;
  /** Whether particles have their first layer in common. */
  shared?: boolean;
  margins?: boolean;
  reweighted?: boolean;
  utility?: boolean;
  repulsion?: boolean;
}

const risk: Arm = { particles: 3, shared: true, margins: true, reweighted: true, repulsion: true };

const arms: Record<string, Arm> = {
  integratedRisk: risk,
  tailUtility: { ...risk, utility: true },
  crossEntropy: { particles: 1 },
  reweighting: { particles: 1, reweighted: true },
  ldam: { particles: 1, margins: true, reweighted: true },
  ensemble: { particles: 3 },
};

interface Settings {
  /** Digits of the most frequent class, and how many times fewer of the rarest. */
  largest: number;
  ratio: number;
  validation: number;
  test: number;
  epochs: number;
  /** First epoch with weights and utility. */
  deferral: number;
  /** τ: epochs in which the repulsion falls to 1 / e. */
  fading: number;
  batchSize: number;
  learningRates: number[];
}

const against = (metric: string, method: string, baselines: string[], better: "higher" | "lower") =>
  baselines.map((baseline) => ({ metric, method, baseline, better }));

const settings = { ratio: 100, validation: 1000, batchSize: 64 };

export const study = defineStudy<Settings>({
  arms: {
    integratedRisk: "three particles: margins, deferred re-weighting, repulsion",
    tailUtility: "the same, where taking a rarer digit for a more frequent one costs 1",
    crossEntropy: "softmax cross-entropy",
    reweighting: "cross-entropy, classes weighted 1 / n from the deferral on",
    ldam: "LDAM margins and the same weights",
    ensemble: "three networks trained separately by cross-entropy",
  },
  scales: {
    smoke: {
      ...settings,
      largest: 80,
      test: 200,
      epochs: 2,
      deferral: 1,
      fading: 1,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: {
      ...settings,
      largest: 600,
      test: 2000,
      epochs: 30,
      deferral: 24,
      fading: 6,
      learningRates: [1e-3, 3e-3, 1e-2],
      seeds: 6,
    },
    full: {
      ...settings,
      largest: 600,
      test: 2000,
      epochs: 200,
      deferral: 160,
      fading: 40,
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2],
      seeds: 20,
    },
  },
  metrics: {
    accuracy: "fraction of test digits classified correctly; the test set holds all digits alike",
    "head accuracy": "the same for the three most frequent digits",
    "medium accuracy": "the same for the four between",
    "tail accuracy": "the same for the three rarest digits",
    "false-head rate": "share of tail digits taken for head digits, mean over three borders",
    ECE: "expected calibration error, 10 bins",
    AUC: "area under the ROC curve of the largest probability, right against wrong",
  },
  curves: { "training accuracy": { x: "step", y: "share of the batch that is right" } },
  claims: [
    {
      id: "accuracy",
      statement:
        "Minimising integrated risk classifies more accurately over all classes than deferred re-weighting, LDAM with re-weighting and a plain ensemble.",
      rule: "The difference of test accuracy, paired by seed. Supports if its 95 % interval lies above 0 against all three baselines, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: against("accuracy", "integratedRisk", ["reweighting", "ldam", "ensemble"], "higher"),
    },
    {
      id: "tail",
      statement: "The gain holds for the tail: the three rarest digits are recognised more often.",
      rule: "As for accuracy, with the accuracy on the three rarest digits.",
      comparisons: against("tail accuracy", "integratedRisk", ["reweighting", "ldam", "ensemble"], "higher"),
    },
    {
      id: "false-heads",
      statement:
        "A tail-sensitive utility lowers the rate at which tail digits are taken for head digits, against the same risk without it and against LDAM with re-weighting.",
      rule: "The difference of the false-head rate, paired by seed, lower being better. Supports if its 95 % interval speaks for the utility against both baselines, contradicts if it speaks against it for one, else inconclusive.",
      comparisons: against("false-head rate", "tailUtility", ["integratedRisk", "ldam"], "lower"),
    },
  ],
  distance:
    "The paper trains ResNet-32 and ResNet-50 for 200 epochs on long-tailed CIFAR, ImageNet and iNaturalist with up to 8,142 classes; here networks of two hidden layers (34,000 weights a particle) see 1,500 digits of 14 × 14 pixels in 10 classes for 30 epochs.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseRate(arm, settings, signal);
    const task = load(settings, seed);
    const predict = await train(task, arm, settings, learningRate, seed, signal, (step, steps, right) => {
      report.progress(step / steps);
      report.point("training accuracy", step, right);
    });
    const { x, labels } = task.test;
    const probabilities = softmaxRows(await predict(x), task.classes);
    const predictions = argMax(probabilities, task.classes);
    const between = (low: number, high: number) => {
      const chosen = Array.from(labels.keys()).filter((i) => labels[i]! >= low && labels[i]! < high);
      return accuracy(take(predictions, chosen), take(labels, chosen));
    };
    return {
      accuracy: accuracy(predictions, labels),
      "head accuracy": between(0, 3),
      "medium accuracy": between(3, 7),
      "tail accuracy": between(7, 10),
      "false-head rate": falseHeadRate(predictions, labels, task.classes),
      ECE: ece(probabilities, labels, { bins: 10 }),
      AUC: rocAuc(
        Float32Array.from(predictions, (k, i) => probabilities[i * task.classes + k]!),
        Int32Array.from(predictions, (k, i) => Number(k === labels[i])),
      ),
    };
  },
});

type LongTailed = ReturnType<typeof longTailedDigits>;

const load = (settings: Settings, seed: number) => longTailedDigits({ ...settings, side: 14, seed });

/** The learning rate with the best mean recall over the classes of the validation data. */
const chooseRate = (arm: string, settings: Settings, signal: AbortSignal) =>
  chooseOnce(["bayes-decision-long-tail", arm, settings], settings.learningRates, async (learningRate) => {
    const task = load(settings, TUNING_SEED);
    const predict = await train(task, arm, settings, learningRate, TUNING_SEED, signal);
    const { x, labels } = task.validation;
    return balancedAccuracy(argMax(await predict(x), task.classes), labels);
  });

/** Returns a function to the logits of the ensemble. */
async function train(
  task: LongTailed,
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, steps: number, watched: number) => void,
): Promise<Outputs> {
  const { particles: count, shared = false, margins, reweighted, utility, repulsion } = arms[arm]!;
  const { inputs, classes, counts } = task;
  const marginsOf = fromData(
    Float32Array.from(ldamMargins(counts), (margin) => margin * SCALE),
    [classes],
  );
  const { outputs } = await trainNetwork({
    ...settings,
    network: particles({ inputs, hidden: [128, 64], classes, count, shared }),
    train: task.train,
    inputs(epoch) {
      const deferral = reweighted ? settings.deferral : settings.epochs;
      return {
        weights: fromData(Float32Array.from(deferredWeights(counts, epoch, { from: deferral })), [classes]),
        utility: tailSensitiveUtility(classes, { cost: utility && epoch >= deferral ? -1 : 0 }),
        repulsion: scalar(repulsion ? Math.exp(-epoch / settings.fading) : 0),
      };
    },
    loss: (logits, labels, { weights, utility, repulsion }, { heads }) =>
      add(
        integratedRisk(logits, labels, { weights, utility, margins: margins ? marginsOf : undefined }),
        multiply(particleRepulsion(stack(heads)), repulsion),
      ),
    watch: (logits, labels) =>
      mean(cast(equal(argMaxOf(mean(logits, { axis: 0 }), { axis: 1 }), labels), "float32")),
    learningRate,
    seed,
    signal,
    onStep,
  });
  return async (x) => meanOfParticles(await outputs(x), count);
}

function softmaxRows(logits: Float32Array, classes: number): Float32Array {
  const energies = negativeEnergies(logits, classes);
  return logits.map((logit, i) => Math.exp(logit - energies[Math.floor(i / classes)]!));
}
