/**
 * Metrics of a binary task as functions of its confusion counts, each written once for whole counts
 * (numbers: a metric) and soft ones (tensors: one minus it is a loss).
 */
import {
  add,
  divide,
  greater,
  isTensor,
  multiply,
  sqrt,
  subtract,
  type Tensor,
  where,
} from "../tensor/index.ts";

export interface ConfusionCounts<T> {
  truePositives: T;
  falsePositives: T;
  falseNegatives: T;
  trueNegatives: T;
}

export interface ConfusionMetricOptions {
  /** β of "fBeta": recall counts β times as much as precision. Default: 1. */
  beta?: number;
  /** Added to every denominator. Default: 0, where a quotient of 0 by 0 counts as 0 for numbers and is none for tensors. */
  epsilon?: number;
}

/** What the formulas need of a kind of number. */
interface Arithmetic<T> {
  plus(a: T, b: T): T;
  minus(a: T, b: T): T;
  times(a: T, b: T | number): T;
  over(a: T, b: T): T;
  root(a: T): T;
}

type Formula = <T>(counts: ConfusionCounts<T>, arithmetic: Arithmetic<T>, beta: number) => T;

const recall: Formula = ({ truePositives, falseNegatives }, { plus, over }) =>
  over(truePositives, plus(truePositives, falseNegatives));

const specificity: Formula = ({ trueNegatives, falsePositives }, { plus, over }) =>
  over(trueNegatives, plus(trueNegatives, falsePositives));

const formulas = {
  /** (TP + TN) / n */
  accuracy: (c, { plus, over }) => {
    const right = plus(c.truePositives, c.trueNegatives);
    return over(right, plus(right, plus(c.falsePositives, c.falseNegatives)));
  },
  /** TP / (TP + FP) */
  precision: (c, { plus, over }) => over(c.truePositives, plus(c.truePositives, c.falsePositives)),
  /** TP / (TP + FN) */
  recall,
  /** TN / (TN + FP) */
  specificity,
  /** (1 + β²) TP / ((1 + β²) TP + β² FN + FP) */
  fBeta: (c, { plus, times, over }, beta) => {
    const found = times(c.truePositives, 1 + beta ** 2);
    return over(found, plus(found, plus(times(c.falseNegatives, beta ** 2), c.falsePositives)));
  },
  /** (recall + specificity) / 2 */
  balancedAccuracy: (c, a, beta) => a.times(a.plus(recall(c, a, beta), specificity(c, a, beta)), 0.5),
  /** √(recall · specificity) */
  geometricMean: (c, a, beta) => a.root(a.times(recall(c, a, beta), specificity(c, a, beta))),
  /** TP / (TP + FP + FN) */
  jaccard: (c, { plus, over }) =>
    over(c.truePositives, plus(c.truePositives, plus(c.falsePositives, c.falseNegatives))),
  /** recall + specificity − 1 (Youden's J), written as specificity less the share of positives missed */
  informedness: (c, a, beta) =>
    a.minus(specificity(c, a, beta), a.over(c.falseNegatives, a.plus(c.truePositives, c.falseNegatives))),
  /** (TP · TN − FP · FN) / √((TP + FP) (TP + FN) (TN + FP) (TN + FN)) */
  matthewsCorrelation: (c, { plus, minus, times, over, root }) => {
    const positive = times(plus(c.truePositives, c.falsePositives), plus(c.truePositives, c.falseNegatives));
    const negative = times(plus(c.trueNegatives, c.falsePositives), plus(c.trueNegatives, c.falseNegatives));
    const agreement = times(c.truePositives, c.trueNegatives);
    const disagreement = times(c.falsePositives, c.falseNegatives);
    return over(minus(agreement, disagreement), times(root(positive), root(negative)));
  },
} satisfies Record<string, Formula>;

export type ConfusionMetric = keyof typeof formulas;

/** The metrics that `fromConfusion` knows. */
export const confusionMetrics = Object.keys(formulas) as ConfusionMetric[];

/**
 * A metric from its confusion counts: accuracy, precision, recall, specificity, fBeta,
 * balancedAccuracy, geometricMean, jaccard, informedness, matthewsCorrelation.
 *
 * Counts may be numbers, or tensors of soft counts (see `softConfusion`), through which gradients
 * flow: any formula added to this file is a loss as well.
 *
 * @throws RangeError for a metric that is not in `confusionMetrics`; for a beta that is not above 0.
 */
export function fromConfusion(
  metric: ConfusionMetric,
  counts: ConfusionCounts<number>,
  options?: ConfusionMetricOptions,
): number;
export function fromConfusion(
  metric: ConfusionMetric,
  counts: ConfusionCounts<Tensor>,
  options?: ConfusionMetricOptions,
): Tensor;
export function fromConfusion(
  metric: ConfusionMetric,
  counts: ConfusionCounts<number> | ConfusionCounts<Tensor>,
  { beta = 1, epsilon = 0 }: ConfusionMetricOptions = {},
): number | Tensor {
  const formula = Object.hasOwn(formulas, metric) ? formulas[metric] : undefined;
  if (!formula)
    throw new RangeError(
      `fromConfusion: metric is "${metric}"; expected one of ${confusionMetrics.join(", ")}`,
    );
  if (!(beta > 0 && beta < Infinity))
    throw new RangeError(`fromConfusion: beta is ${beta}; expected a number above 0`);
  if (!(epsilon >= 0)) throw new RangeError(`fromConfusion: epsilon is ${epsilon}; expected at least 0`);
  return isTensor(counts.truePositives)
    ? formula(counts as ConfusionCounts<Tensor>, tensors(epsilon), beta)
    : formula(counts as ConfusionCounts<number>, numbers(epsilon), beta);
}

/** Confusion counts of hard predictions and labels, 1 or 0. */
export function confusionCounts(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
): ConfusionCounts<number> {
  if (predictions.length !== labels.length)
    throw new RangeError(
      `confusionCounts: ${predictions.length} predictions and ${labels.length} labels; as many are needed`,
    );
  const counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
  for (let i = 0; i < labels.length; i++) {
    const [prediction, label] = [predictions[i], labels[i]];
    if ((prediction !== 0 && prediction !== 1) || (label !== 0 && label !== 1))
      throw new RangeError(
        `confusionCounts: entry ${i} has label ${label} and prediction ${prediction}; 1 or 0 is needed`,
      );
    if (label) prediction ? counts.truePositives++ : counts.falseNegatives++;
    else prediction ? counts.falsePositives++ : counts.trueNegatives++;
  }
  return counts;
}

const numbers = (epsilon: number): Arithmetic<number> => ({
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  times: (a, b) => a * b,
  over: (a, b) => (b + epsilon === 0 ? 0 : a / (b + epsilon)),
  root: Math.sqrt,
});

const tensors = (epsilon: number): Arithmetic<Tensor> => ({
  plus: add,
  minus: subtract,
  times: multiply,
  over: (a, b) => divide(a, add(b, epsilon)),
  // The slope of a root is infinite at 0, where a batch without positives would turn it into NaN.
  root: (a) => {
    const some = greater(a, 0);
    return where(some, sqrt(where(some, a, 1)), 0);
  },
});
