import {
  batchPerceptron,
  logisticGradientDescent,
  logisticLoss,
  type Separator,
  type SeparatorOptions,
} from "nearmiss/inference";
import { random } from "nearmiss/random";
import { mean } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { remember } from "../remember.ts";
import { type Decision, defineStudy, type Effect } from "../study.ts";
import { digitPair, outnumbered, type SeparablePoints } from "../tasks/separable.ts";
import { slope } from "../tasks/slope.ts";

export const card: Card = {
  number: 96,
  slug: "perceptron-large-steps",
  title:
    "From Logistic Regression to the Perceptron Algorithm: Exploring Gradient Descent with Large Step Sizes",
  year: 2024,
  family: "theory",
  kind: "algorithm",
  arxiv: "2412.08424",
  link: "https://arxiv.org/abs/2412.08424",
  summary:
    "Studies gradient descent on the logistic loss for separable data when steps are large. As the step size γ tends to infinity, the iterates divided by γ follow a batch perceptron that adds 1/n times the sum of all misclassified points. A normalised variant divides the gradient by the mean predicted probability of the wrong label and has better iteration bounds.",
  claim:
    "In the limit of infinite step size, gradient descent on the logistic loss is the batch perceptron; larger steps classify all points sooner although the loss is higher and oscillates. The number of iterations exceeds the optimum by a factor n, whereas the normalised variant needs at most R²/μ² plus a term that vanishes for large steps.",
  formula: String.raw`\theta_{t+1}=\theta_t-\gamma\beta_t\nabla f(\theta_t),\quad\beta_t=\Big(\frac1n\sum_{i=1}^{n}\frac1{1+e^{y_ia_i^\top\theta_t}}\Big)^{-1}`,
  exports: [
    "inference/perceptron: logisticGradientDescent",
    "inference/perceptron: batchPerceptron",
    "inference/perceptron: perceptron",
    "inference/perceptron: logisticLoss",
  ],
  notes: [
    "Iterations are updates: the batch perceptron's first one, to half the mean of all points, counts.",
    "The hard instance of the paper is one point against n - 1 copies of another; here the copies carry a little noise, so that seeds differ. Without noise the counts of the paper's table are reproduced by the tests.",
    "Iteration counts enter as decimal logarithms; a run that does not separate within the limit counts with the limit.",
    "In the default run small steps reach the limit of 2,000 updates on nearly all digits: their counts are lower bounds, and the gain of larger steps is at least what is shown.",
    "No official code is public; the paper's experiments on images are rebuilt with random ReLU features.",
  ],
};

interface Settings {
  pairs: [number, number][];
  count: number;
  features: number;
  /** Share of the images of the first digit of a pair. */
  minority: number;
  maxIterations: number;
  /** Sizes of the hard instance. */
  sizes: number[];
  hardLimit: number;
  stepSizes: { small: number; medium: number; large: number };
}

const arms = {
  normalized: "normalised gradient descent on the logistic loss, large steps",
  large: "gradient descent on the logistic loss, large steps",
  medium: "the same with medium steps",
  small: "the same with small steps",
  batchPerceptron: "batch perceptron",
};
type Arm = keyof typeof arms;

/** How far accuracies along the way may lie apart for two methods to count as one. */
const SAME = 0.01;
/** Of the exponents, which the theory has 1 apart. */
const GAP = 0.8;
const NOISE = 0.02;

const stepSizes = { small: 1, medium: 100, large: 1e4 };

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      pairs: [[0, 1]],
      count: 60,
      features: 40,
      minority: 0.1,
      maxIterations: 100,
      sizes: [10, 100],
      hardLimit: 300,
      stepSizes,
      seeds: 2,
    },
    default: {
      pairs: [
        [0, 1],
        [3, 5],
        [4, 9],
      ],
      count: 500,
      features: 300,
      minority: 1 / 21,
      maxIterations: 2000,
      sizes: [10, 30, 100, 300, 1000, 3000],
      hardLimit: 20_000,
      stepSizes,
      seeds: 5,
    },
    full: {
      pairs: [
        [0, 1],
        [3, 5],
        [4, 9],
        [7, 9],
      ],
      count: 1500,
      features: 2000,
      minority: 1 / 21,
      maxIterations: 50_000,
      sizes: [10, 30, 100, 300, 1000, 3000, 10_000],
      hardLimit: 100_000,
      stepSizes,
      seeds: 20,
    },
  },
  metrics: {
    "iterations, balanced":
      "decimal logarithm of the updates until all digits are on their side, mean over pairs",
    "iterations, imbalanced": "the same with 20 times as many images of one digit as of the other",
    "peak loss": "decimal logarithm of the largest logistic loss on the way, mean over pairs and balances",
    "gap to batch perceptron":
      "difference of the fraction of points on their side from that of the batch perceptron after as many updates, mean absolute value over its run, pairs and balances",
    "growth on hard data":
      "p of iterations ∝ nᵖ, least squares on logarithms, where one point stands against n - 1",
  },
  curves: {
    accuracy: { x: "updates, decimal logarithm", y: "fraction of digits on their side, imbalanced" },
    loss: { x: "updates, decimal logarithm", y: "decimal logarithm of the logistic loss, imbalanced" },
  },
  claims: [
    {
      id: "limit",
      statement: "Gradient descent with large steps is the batch perceptron.",
      rule: `The gap of the accuracies along the way, which is 0 for the batch perceptron itself. Supports if its 95 % interval over seeds lies below ${SAME} for large steps, contradicts if it lies above ${SAME}, else inconclusive.`,
      comparisons: [compare("gap to batch perceptron", "large", "batchPerceptron", "lower")],
      decide: above(-SAME),
    },
    {
      id: "faster",
      statement:
        "Larger steps classify all points after fewer updates although the loss rises higher on the way.",
      rule: "Iterations on balanced and on imbalanced digits, and the peak of the loss, large against small steps and medium against small steps, paired by seed. Supports if all six 95 % intervals lie on the claimed side of 0, contradicts if one lies on the other side, else inconclusive.",
      comparisons: ["large", "medium"].flatMap((arm) => [
        compare("iterations, balanced", arm, "small", "lower"),
        compare("iterations, imbalanced", arm, "small", "lower"),
        compare("peak loss", arm, "small", "higher"),
      ]),
    },
    {
      id: "factor-n",
      statement:
        "The updates that the batch perceptron and descent with large steps need on hard data grow with the number of points, those of normalised descent do not.",
      rule: `The exponents' difference, paired by seed; the theory's is 1. Supports if the 95 % intervals lie beyond ${GAP} against both, contradicts if one lies below ${GAP}, else inconclusive.`,
      comparisons: ["large", "batchPerceptron"].map((baseline) =>
        compare("growth on hard data", "normalized", baseline, "lower"),
      ),
      decide: above(GAP),
    },
    {
      id: "imbalanced",
      statement:
        "On imbalanced digits normalised descent needs fewer updates than plain descent with the same steps and than the batch perceptron.",
      rule: "Iterations on imbalanced digits, paired by seed. Supports if the 95 % interval of the difference lies below 0 against both, contradicts if it lies above 0 against one, else inconclusive.",
      comparisons: ["large", "batchPerceptron"].map((baseline) =>
        compare("iterations, imbalanced", "normalized", baseline, "lower"),
      ),
    },
  ],
  distance:
    "The paper proves its claims and shows them on small synthetic sets and subsets of image data of up to some thousand points; here are three pairs of digits, 500 images each as 300 random features, and the hard instance with up to 3,000 points.",
  async run({ arm, seed, settings, report }) {
    const runs = settings.pairs.flatMap((digits) =>
      [0.5, settings.minority].map((minority) => ({ digits, minority })),
    );
    const outcomes = runs.map(({ digits, minority }, k) => {
      report.progress((0.8 * k) / runs.length);
      const data = points(settings, digits, minority, seed);
      const { iterations, accuracies, losses } = follow(arm as Arm, data, settings, settings.maxIterations);
      if (digits === settings.pairs[0] && minority !== 0.5) {
        for (const t of logarithmic(iterations)) {
          report.point("accuracy", Math.log10(t), accuracies[t - 1]!);
          report.point("loss", Math.log10(t), Math.log10(Math.max(losses[t - 1]!, 1e-12)));
        }
      }
      const reference = follow("batchPerceptron", data, settings, settings.maxIterations).accuracies;
      return {
        balanced: minority === 0.5,
        iterations: Math.log10(iterations),
        // A run that has ended stays where it is: with all points on their side.
        gap: mean(reference.map((accuracy, t) => Math.abs(accuracy - (accuracies[t] ?? 1)))),
        peak: Math.log10(losses.reduce((most, loss) => Math.max(most, loss), 0)),
      };
    });
    const counts = settings.sizes.map((n) => {
      const data = outnumbered(n, NOISE, random(seed).split(`hard ${n}`));
      return Math.log(separate(arm as Arm, data, settings, { maxIterations: settings.hardLimit }).iterations);
    });
    const iterations = (balanced: boolean) =>
      mean(outcomes.filter((outcome) => outcome.balanced === balanced).map((outcome) => outcome.iterations));
    return {
      "iterations, balanced": iterations(true),
      "iterations, imbalanced": iterations(false),
      "peak loss": mean(outcomes.map(({ peak }) => peak)),
      "gap to batch perceptron": mean(outcomes.map(({ gap }) => gap)),
      "growth on hard data": slope(settings.sizes.map(Math.log), counts),
    };
  },
});

function compare(metric: string, method: string, baseline: string, better: "higher" | "lower") {
  return { metric, method, baseline, better };
}

/** Whether all gains lie above a bound, or one below. */
function above(bound: number) {
  return (effects: Effect[]): Decision => {
    if (effects.every(({ low }) => low > bound)) return "supports";
    return effects.some(({ high }) => high < bound) ? "contradicts" : "inconclusive";
  };
}

const points = remember(
  (
    { count, features }: Settings,
    digits: [number, number],
    minority: number,
    seed: number,
  ): SeparablePoints => digitPair({ digits, count, minority, features, seed }),
  12,
);

function separate(
  arm: Arm,
  { x, signs }: SeparablePoints,
  { stepSizes }: Settings,
  options: SeparatorOptions,
): Separator {
  if (arm === "batchPerceptron") return batchPerceptron(x, signs, options);
  const normalized = arm === "normalized";
  const stepSize = stepSizes[arm === "normalized" ? "large" : arm];
  return logisticGradientDescent(x, signs, { ...options, stepSize, normalized });
}

/** An arm's run with the fraction of points on their side and the loss after each update. */
function follow(arm: Arm, data: SeparablePoints, settings: Settings, maxIterations: number) {
  const accuracies: number[] = [];
  const losses: number[] = [];
  const { iterations } = separate(arm, data, settings, {
    maxIterations,
    onIteration: (_iteration, _weights, margins) => {
      accuracies.push(margins.reduce((right, margin) => right + Number(margin > 0), 0) / margins.length);
      losses.push(logisticLoss(margins));
    },
  });
  return { iterations, accuracies, losses };
}

/** 1, 2, 3, … and then ever wider apart, up to the last. */
function logarithmic(last: number): number[] {
  const places: number[] = [];
  for (let t = 1; t < last; t = Math.max(t + 1, Math.round(t * 1.2))) places.push(t);
  return [...places, last];
}
