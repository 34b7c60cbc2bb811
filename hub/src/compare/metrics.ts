/** What a comparison measures of predictions. One line a metric: name, direction, and how it is computed. */
import { accuracy, balancedAccuracy, ece, macroF1, reliabilityBins, rocAuc } from "nearmiss/metrics";
import { mean } from "nearmiss/stats";
import type { Task } from "./objectives.ts";

/** Predictions of classes, in arrays [n], so that any rows of them can be taken. */
export interface ClassPredictions {
  labels: Int32Array;
  /** The most probable class. */
  predicted: Int32Array;
  /** Its probability. */
  confidences: Float64Array;
  /** The probability of the row's label. */
  likelihoods: Float64Array;
  /** The probability of the second class, which ranks rows where there are two. */
  scores: Float64Array;
}

/** Predictions of numbers, in the target's units. */
export interface NumberPredictions {
  targets: Float64Array;
  predicted: Float64Array;
}

export type Predictions = ClassPredictions | NumberPredictions;

interface MetricOf<P> {
  /** For tables. */
  label: string;
  better: "higher" | "lower";
  /** The largest value that there is. The smallest is 0. */
  largest: number;
  compute(predictions: P): number;
}

const classMetrics = {
  accuracy: {
    label: "accuracy",
    better: "higher",
    largest: 1,
    compute: ({ predicted, labels }) => accuracy(predicted, labels),
  },
  "balanced-accuracy": {
    label: "balanced accuracy",
    better: "higher",
    largest: 1,
    compute: ({ predicted, labels }) => balancedAccuracy(predicted, labels),
  },
  "macro-f1": {
    label: "macro F1",
    better: "higher",
    largest: 1,
    compute: ({ predicted, labels }) => macroF1(predicted, labels),
  },
  auc: {
    label: "AUC",
    better: "higher",
    largest: 1,
    compute: ({ scores, labels }) => rocAuc(scores, labels),
  },
  "log-loss": {
    label: "log-loss",
    better: "lower",
    largest: Number.POSITIVE_INFINITY,
    // One row of probability 0 would make the mean infinite.
    compute: ({ likelihoods }) => mean(likelihoods.map((p) => -Math.log(Math.max(p, Number.EPSILON)))),
  },
  ece: { label: "ECE", better: "lower", largest: 1, compute: (predictions) => calibrationError(predictions) },
} satisfies Record<string, MetricOf<ClassPredictions>>;

const numberMetrics = {
  rmse: {
    label: "RMSE",
    better: "lower",
    largest: Number.POSITIVE_INFINITY,
    compute: ({ predicted, targets }) => Math.sqrt(mean(predicted.map((p, i) => (p - targets[i]) ** 2))),
  },
  mae: {
    label: "MAE",
    better: "lower",
    largest: Number.POSITIVE_INFINITY,
    compute: ({ predicted, targets }) => mean(predicted.map((p, i) => Math.abs(p - targets[i]))),
  },
} satisfies Record<string, MetricOf<NumberPredictions>>;

export type MetricName = keyof typeof classMetrics | keyof typeof numberMetrics;

export interface Metric {
  name: MetricName;
  label: string;
  better: "higher" | "lower";
  largest: number;
  compute(predictions: Predictions): number;
}

/** Names of the metrics that fit a target. The area under the curve is of two classes. */
export function fittingMetrics(task: Task, classCount = 0): MetricName[] {
  if (task === "regression") return Object.keys(numberMetrics) as MetricName[];
  return (Object.keys(classMetrics) as MetricName[]).filter((name) => name !== "auc" || classCount === 2);
}

export function metricOf(name: MetricName): Metric {
  const all: Record<string, MetricOf<never>> = { ...classMetrics, ...numberMetrics };
  return { name, ...all[name] } as Metric;
}

/** The metric that suits a target where none is asked for, and why. */
export function defaultMetric(task: Task, counts: readonly number[] = []): { name: MetricName; why: string } {
  if (task === "regression") return { name: "rmse", why: "the usual one for numbers" };
  const [most, least] = [Math.max(...counts), Math.min(...counts)];
  return most > 2 * least
    ? {
        name: "balanced-accuracy",
        why: `the largest class has ${most} rows and the smallest ${least}, and accuracy would see little of the latter`,
      }
    : { name: "accuracy", why: "the classes are about equally large" };
}

/**
 * The metric as a guide for training: where it stands still, as accuracy does while a rare class is not yet found,
 * the log-loss decides, far below what a single row is worth.
 */
export function guide(metric: Metric, predictions: Predictions): number {
  const value = metric.compute(predictions);
  if (!("likelihoods" in predictions)) return value;
  const tie = 1e-7 * classMetrics["log-loss"].compute(predictions);
  return metric.better === "higher" ? value - tie : value + tie;
}

/** All metrics that fit, by name. */
export function measure(names: readonly MetricName[], predictions: Predictions): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, metricOf(name).compute(predictions)]));
}

/** Takes rows of predictions, with repeats if asked to. */
export function takeRows<P extends Predictions>(predictions: P, rows: Int32Array): P {
  return Object.fromEntries(
    Object.entries(predictions).map(([name, values]: [string, Float64Array | Int32Array]) => {
      const taken = new (values.constructor as new (length: number) => typeof values)(rows.length);
      for (let i = 0; i < rows.length; i++) taken[i] = values[rows[i]];
      return [name, taken];
    }),
  ) as unknown as P;
}

/** Probabilities [n, classes] and labels [n], taken apart. */
export function classPredictions(probabilities: Float32Array, labels: Int32Array): ClassPredictions {
  const n = labels.length;
  const classes = probabilities.length / n;
  const predicted = new Int32Array(n);
  const [confidences, likelihoods, scores] = [0, 0, 0].map(() => new Float64Array(n));
  for (let row = 0; row < n; row++) {
    const start = row * classes;
    for (let k = 1; k < classes; k++)
      if (probabilities[start + k] > probabilities[start + predicted[row]]) predicted[row] = k;
    confidences[row] = probabilities[start + predicted[row]];
    likelihoods[row] = probabilities[start + labels[row]];
    scores[row] = probabilities[start + 1];
  }
  return { labels, predicted, confidences, likelihoods, scores };
}

/** Confidence against accuracy in ten bins. */
export function reliability({ predicted, labels, confidences }: ClassPredictions) {
  const correct = predicted.map((k, i) => (k === labels[i] ? 1 : 0));
  return reliabilityBins(confidences, correct, { bins: 10 });
}

function calibrationError({ predicted, labels, confidences }: ClassPredictions): number {
  // Two columns, of which the first is the arg max and right where it was right, have the same calibration error.
  const probabilities = new Float64Array(confidences.length * 2);
  for (let i = 0; i < confidences.length; i++) probabilities[2 * i] = confidences[i];
  return ece(
    probabilities,
    predicted.map((k, i) => (k === labels[i] ? 0 : 1)),
  );
}
