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
