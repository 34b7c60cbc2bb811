import { sameLength } from "./check.ts";

/** Column of each row's largest value, the first of equal ones: [rows, columns] to [rows]. */
export function argMax(values: ArrayLike<number>, columns: number): Int32Array {
  if (!(Number.isInteger(columns) && columns >= 1 && values.length % columns === 0))
    throw new RangeError(`argMax: ${values.length} values are no rows of ${columns}`);
  const best = new Int32Array(values.length / columns);
  for (let row = 0; row < best.length; row++)
    for (let column = 1; column < columns; column++)
      if (values[row * columns + column] > values[row * columns + best[row]]) best[row] = column;
  return best;
}

/** Share of predictions that equal their labels. */
export function accuracy(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  sameLength("accuracy", "predictions and labels", predictions, labels);
  let correct = 0;
  for (let i = 0; i < labels.length; i++) if (predictions[i] === labels[i]) correct++;
  return correct / labels.length;
}

/** Mean over the classes that occur among the labels of the share of each that was recognised. */
export function balancedAccuracy(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  sameLength("balancedAccuracy", "predictions and labels", predictions, labels);
  const byClass = new Map<number, { correct: number; total: number }>();
  for (let i = 0; i < labels.length; i++) {
    const tally = byClass.get(labels[i]) ?? { correct: 0, total: 0 };
    tally.total++;
    if (predictions[i] === labels[i]) tally.correct++;
    byClass.set(labels[i], tally);
  }
  let sum = 0;
  for (const { correct, total } of byClass.values()) sum += correct / total;
  return sum / byClass.size;
}

/** Counts [classes, classes], row by row: row = label, column = prediction. */
export function confusionMatrix(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Int32Array {
  sameLength("confusionMatrix", "predictions and labels", predictions, labels);
  const inRange = (label: number) => Number.isInteger(label) && label >= 0 && label < classes;
  const counts = new Int32Array(classes * classes);
  for (let i = 0; i < labels.length; i++) {
    if (!inRange(labels[i]) || !inRange(predictions[i]))
      throw new RangeError(
        `confusionMatrix: entry ${i} has label ${labels[i]} and prediction ${predictions[i]}, outside the ${classes} classes`,
      );
    counts[labels[i] * classes + predictions[i]]++;
  }
  return counts;
}

export interface BinaryCounts {
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
}

/** Precision, recall and their harmonic mean. A quotient of 0 by 0 counts as 0. */
export function f1FromCounts(counts: BinaryCounts): { precision: number; recall: number; f1: number } {
  const { truePositives, falsePositives, falseNegatives } = counts;
  const quotient = (a: number, b: number) => (b === 0 ? 0 : a / b);
  return {
    precision: quotient(truePositives, truePositives + falsePositives),
    recall: quotient(truePositives, truePositives + falseNegatives),
    f1: quotient(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
  };
}

/** Mean of the classes' F1, over classes that occur among labels or predictions. */
export function macroF1(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  sameLength("macroF1", "predictions and labels", predictions, labels);
  const byClass = new Map<number, BinaryCounts>();
  const of = (label: number) => {
    const counts = byClass.get(label) ?? { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
    byClass.set(label, counts);
    return counts;
  };
  for (let i = 0; i < labels.length; i++) {
    if (predictions[i] === labels[i]) of(labels[i]).truePositives++;
    else {
      of(labels[i]).falseNegatives++;
      of(predictions[i]).falsePositives++;
    }
  }
  let sum = 0;
  for (const counts of byClass.values()) sum += f1FromCounts(counts).f1;
  return sum / byClass.size;
}

/**
 * F-beta, (1 + β²) · precision · recall / (β² · precision + recall): recall counts β times as much as
 * precision. 0 where nothing was found. Source: van Rijsbergen 1979, "Information Retrieval", chapter 7.
 *
 * @param beta above 0
 */
export function fBetaFromCounts(counts: BinaryCounts, beta: number): number {
  if (!(beta > 0 && beta < Infinity)) throw new RangeError(`fBetaFromCounts: beta ${beta} must be above 0`);
  const found = (1 + beta ** 2) * counts.truePositives;
  const all = found + beta ** 2 * counts.falseNegatives + counts.falsePositives;
  return all === 0 ? 0 : found / all;
}

/** Micro average: F-beta of the summed counts, so that frequent classes weigh more. */
export function microFBeta(classes: readonly BinaryCounts[], beta = 1): number {
  const total = (key: keyof BinaryCounts) => classes.reduce((sum, counts) => sum + counts[key], 0);
  const sums = {
    truePositives: total("truePositives"),
    falsePositives: total("falsePositives"),
    falseNegatives: total("falseNegatives"),
  };
  return fBetaFromCounts(sums, beta);
}

/** Macro average: mean of the classes' F-beta, a class without any count as 0. */
export function macroFBeta(classes: readonly BinaryCounts[], beta = 1): number {
  if (classes.length === 0) throw new RangeError("macroFBeta: there is no class");
  return classes.reduce((sum, counts) => sum + fBetaFromCounts(counts, beta), 0) / classes.length;
}

/** Counts of each class in a multi-label task: predictions and labels [rows, classes], 1 or 0, row by row. */
export function multilabelCounts(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): BinaryCounts[] {
  sameLength("multilabelCounts", "predictions and labels", predictions, labels);
  if (!(Number.isInteger(classes) && classes >= 1 && labels.length % classes === 0))
    throw new RangeError(`multilabelCounts: ${labels.length} labels are no rows of ${classes}`);
  const counts = Array.from({ length: classes }, () => ({
    truePositives: 0,
    falsePositives: 0,
    falseNegatives: 0,
  }));
  for (let i = 0; i < labels.length; i++) {
    const [prediction, label] = [predictions[i], labels[i]];
    if ((prediction !== 0 && prediction !== 1) || (label !== 0 && label !== 1))
      throw new RangeError(
        `multilabelCounts: entry ${i} has label ${label} and prediction ${prediction}; 1 or 0 is needed`,
      );
    const tally = counts[i % classes];
    if (prediction && label) tally.truePositives++;
    else if (prediction) tally.falsePositives++;
    else if (label) tally.falseNegatives++;
  }
  return counts;
}
