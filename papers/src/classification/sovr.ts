import { greaterEqual, mean, multiply, type Tensor, where } from "nearmiss";
import { gairatWeights, mailWeights, oneVsRest, softmaxCrossEntropy, sovr } from "nearmiss/losses";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import {
  attackedMargins,
  attackPath,
  attackWith,
  evaluationAttacks,
  type RobustLoss,
  searchedMargins,
  shareCorrect,
  smallDigits,
  trainRobust,
} from "../tasks/adversarial.ts";

export const card: Card = {
  number: 152,
  slug: "sovr",
  title: "One-vs-the-Rest Loss to Focus on Important Samples in Adversarial Training",
  year: 2022,
  family: "classification",
  kind: "objective",
  arxiv: "2207.10283",
  link: "https://arxiv.org/abs/2207.10283",
  summary:
    "During adversarial training the samples of a mini-batch are sorted by the logit margin of their adversarial examples. The fraction with the smallest margins is trained with a one-vs-rest logistic loss over all logits, weighted by λ, and the others with cross-entropy. The selection itself carries no gradient.",
  claim:
    "Switching small-margin samples to the one-vs-rest loss increases their logit margins and gives higher accuracy under an ensemble of attacks than cross-entropy adversarial training. Methods that only reweight cross-entropy towards such samples shrink margins elsewhere and fail under strong attacks.",
  formula: String.raw`L=\frac1{|B|}\Big[\sum_{S}\ell_{CE}+\lambda\sum_{\text{small }LM}\ell_{OVR}\Big],\quad \ell_{OVR}(z,y)=\log(1+e^{-z_y})+\sum_{k\ne y}\log(1+e^{z_k})`,
  exports: [
    "losses/one-vs-rest: sovr",
    "losses/one-vs-rest: oneVsRest",
    "losses/one-vs-rest: mailWeights",
    "losses/one-vs-rest: gairatWeights",
    "losses/adversarial: pgd",
    "losses/adversarial: dlrLoss",
    "losses/adversarial: logitMargins",
    "diagnostics/attacks: squareAttack",
  ],
  notes: [
    "No official code was found. The weights of MAIL and GAIRAT were checked against their authors' code: both are scaled to a mean of 1 here, where the code of MAIL multiplies by 3; for an odd number of steps the code of GAIRAT halves with rounding, here the paper's formula is used.",
    "MAIL and GAIRAT weigh from 60 % of the training on, as their authors do; the switching loss is used from the start.",
    "λ of the switching loss is 0.4, and its share of the batch is chosen. The ensemble stands in for AutoAttack: projected gradient ascent of cross-entropy, of the margin and of the difference of logits ratio, and a square attack. An example counts only if it withstands all four.",
    "Every arm chooses among six settings by ensemble accuracy on validation data: two rates and three values of its own constant, or six rates where it has none.",
  ],
};

const arms = {
  sovr: "one-vs-rest for the smallest margins of a batch, cross-entropy for the others",
  mail: "cross-entropy weighted by probability margin",
  gairat: "cross-entropy weighted by how many attack steps an example withstands",
  crossEntropy: "cross-entropy of attacked digits",
  oneVsRest: "one-vs-rest for all attacked digits",
};

/** Arm to the loss with one constant of its own. */
const losses: Record<string, (constant: number) => RobustLoss> = {
  sovr: (fraction) => (network, batch, size) =>
    sovr(network(attackWith(climbed)(network, batch, size)), batch.labels, { fraction }),
  mail: (bias) => (network, batch, size) => {
    const logits = network(attackWith(climbed)(network, batch, size));
    return weighted(logits, batch.labels, mailWeights(logits, batch.labels, { bias }), batch.done);
  },
  gairat: (lambda) => (network, batch, size) => {
    const path = attackPath(climbed)(network, batch, size).map(network);
    return weighted(path.at(-1)!, batch.labels, gairatWeights(path, batch.labels, { lambda }), batch.done);
  },
  crossEntropy: () => (network, batch, size) =>
    softmaxCrossEntropy(network(attackWith(climbed)(network, batch, size)), batch.labels),
  oneVsRest: () => (network, batch, size) =>
    oneVsRest(network(attackWith(climbed)(network, batch, size)), batch.labels),
};

const climbed = evaluationAttacks.crossEntropy!;

/** Cross-entropy with weights from 60 % of the training on. */
function weighted(logits: Tensor, labels: Tensor, weights: Tensor, done: Tensor): Tensor {
  const each = softmaxCrossEntropy(logits, labels, { reduction: "none" });
  return mean(multiply(each, where(greaterEqual(done, 0.6), weights, 1)));
}

interface Settings {
  train: number;
  validation: number;
  test: number;
  hidden: number;
  epochs: number;
  batchSize: number;
  radius: number;
  /** Of the attack in training. */
  steps: number;
  /** Of each gradient attack of the ensemble. */
  evaluationSteps: number;
  /** Queries of the square attack. */
  queries: number;
  candidates: Record<string, [learningRate: number, constant: number][]>;
}

const pairs = (rates: number[], constants: number[]) =>
  rates.flatMap((rate) => constants.map((constant): [number, number] => [rate, constant]));

const rates = [6e-3, 2e-2];
const rateAlone = pairs([2e-3, 4e-3, 6e-3, 1e-2, 2e-2, 3e-2], [0]);
const candidates = {
  sovr: pairs(rates, [0.2, 0.4, 0.6]),
  mail: pairs(rates, [-0.5, 0, 0.5]),
  gairat: pairs(rates, [-1, 0, 1]),
  crossEntropy: rateAlone,
  oneVsRest: rateAlone,
};

const compare = (metric: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method: "sovr", baseline, better: "higher" as const }));

const BINS = 24;

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      train: 150,
      validation: 50,
      test: 60,
      hidden: 16,
      epochs: 1,
      batchSize: 50,
      radius: 0.1,
      steps: 2,
      evaluationSteps: 2,
      queries: 3,
      candidates: Object.fromEntries(
        Object.entries(candidates).map(([arm, list]) => [arm, list.slice(4, 5)]),
      ),
      seeds: 2,
    },
    default: {
      train: 3000,
      validation: 500,
      test: 1000,
      hidden: 64,
      epochs: 10,
      batchSize: 100,
      radius: 0.1,
      steps: 5,
      evaluationSteps: 20,
      queries: 100,
      candidates,
      seeds: 6,
    },
    full: {
      train: 7000,
      validation: 1000,
      test: 2000,
      hidden: 128,
      epochs: 60,
      batchSize: 100,
      radius: 0.1,
      steps: 10,
      evaluationSteps: 50,
      queries: 1000,
      candidates,
      seeds: 10,
    },
  },
  metrics: {
    "ensemble accuracy": "fraction of test digits that withstand all four attacks",
    "PGD accuracy":
      "fraction of test digits that withstand the ascent of cross-entropy, the attack of training",
    "clean accuracy": "fraction of test digits classified correctly",
    "margin of important digits":
      "mean logit margin of the 40 % of attacked test digits with the smallest margins",
    "margin of other digits": "mean logit margin of the other 60 % of attacked test digits",
  },
  curves: {
    "training loss": { x: "step", y: "loss of attacked digits" },
    "attacked margins": { x: "logit margin under attack", y: "share of the test digits" },
  },
  claims: [
    {
      id: "reweighting",
      statement:
        "Switching to one-vs-rest withstands the attack ensemble better than reweighting by MAIL or GAIRAT.",
      rule: "Ensemble accuracy, paired by seed. Supports if the 95 % interval of the difference lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("ensemble accuracy", ["mail", "gairat"]),
    },
    {
      id: "cross-entropy",
      statement: "It withstands the attack ensemble better than adversarial training with cross-entropy.",
      rule: "As above, against cross-entropy.",
      comparisons: compare("ensemble accuracy", ["crossEntropy"]),
    },
    {
      id: "margins",
      statement: "It enlarges the logit margins of important digits, compared with cross-entropy.",
      rule: "Mean logit margin of the 40 % smallest margins under attack. Supports if the 95 % interval of the paired difference lies above 0, contradicts if below, else inconclusive.",
      comparisons: compare("margin of important digits", ["crossEntropy"]),
    },
    {
      id: "other margins",
      statement: "Reweighting shrinks the logit margins of the other digits, compared with cross-entropy.",
      rule: "Mean logit margin of the 60 % larger margins under attack. Supports if the 95 % interval of the paired difference lies below 0 for MAIL and for GAIRAT, contradicts if it lies above 0 for one, else inconclusive.",
      comparisons: ["mail", "gairat"].map((method) => ({
        metric: "margin of other digits",
        method,
        baseline: "crossEntropy",
        better: "lower",
      })),
    },
  ],
  distance:
    "The paper trains residual networks on CIFAR-10, CIFAR-100 and SVHN for 100 epochs and attacks with AutoAttack; here a network with 64 hidden units learns 3,000 digits of 14 × 14 pixels for 10 epochs and meets four weaker attacks.",
  async run({ arm, seed, settings, report, signal }) {
    const candidate = await chooseOnce(["sovr", arm, settings], settings.candidates[arm]!, async (each) =>
      shareCorrect((await attacked(TUNING_SEED, each, "validation")).margins),
    );
    const { margins, trained, digits } = await attacked(seed, candidate, "test", (step, steps, loss) => {
      report.progress(step / steps);
      report.point("training loss", step, loss);
    });
    const { radius, queries } = settings;
    margins.push(await searchedMargins(trained, digits.test, { radius, iterations: queries, seed }));
    // Margins under the attack of training, as the paper's histograms.
    const sorted = margins[1]!.slice().sort();
    const important = Math.round(0.4 * sorted.length);
    for (let bin = 0; bin < BINS; bin++) {
      const low = bin - BINS / 2;
      const share = sorted.filter((margin) => margin >= low && margin < low + 1).length / sorted.length;
      report.point("attacked margins", low + 0.5, share);
    }
    return {
      "ensemble accuracy": shareCorrect(margins),
      "PGD accuracy": shareCorrect([margins[0]!, margins[1]!]),
      "clean accuracy": shareCorrect([margins[0]!]),
      "margin of important digits": average(sorted.subarray(0, important)),
      "margin of other digits": average(sorted.subarray(important)),
    };

    async function attacked(
      on: number,
      [learningRate, constant]: [number, number],
      part: "validation" | "test",
      onStep?: (step: number, steps: number, loss: number) => void,
    ) {
      const digits = smallDigits({ ...settings, seed: on });
      const loss = losses[arm]!(constant);
      const trained = await trainRobust({
        ...settings,
        digits,
        loss,
        learningRate,
        seed: on,
        signal,
        onStep,
      });
      const size = { radius: settings.radius, steps: settings.evaluationSteps, seed: on };
      return { trained, digits, margins: await attackedMargins(trained, digits[part], size) };
    }
  },
});

const average = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length;
