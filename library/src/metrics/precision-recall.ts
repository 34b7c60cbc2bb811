/** Precision against recall of a binary task: scores [n], labels [n], 1 or 0. */
import { binaryCounts } from "./check.ts";
import { f1FromCounts } from "./classification.ts";
import { thresholdCounts } from "./roc.ts";

export interface PrecisionRecallCurve {
  /** Share of positives among the items with a score of at least the threshold. */
  precision: Float64Array;
  /** Share of the positives that they hold; rising to 1. */
  recall: Float64Array;
  /** Falling: each distinct score. */
  thresholds: Float64Array;
}

/** One point for each distinct score, highest first. The customary point (recall 0, precision 1) is not added. */
export function precisionRecallCurve(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): PrecisionRecallCurve {
  const { positives } = binaryCounts("precisionRecallCurve", scores, labels);
  const points = thresholdCounts(scores, labels);
  return {
    precision: Float64Array.from(points, (p) => p.truePositives / (p.truePositives + p.falsePositives)),
    recall: Float64Array.from(points, (p) => p.truePositives / positives),
    thresholds: Float64Array.from(points, (p) => p.threshold),
  };
}

/** Average precision: Σ (rise of recall) · precision over the thresholds, no interpolation. */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const { precision, recall } = precisionRecallCurve(scores, labels);
  let sum = 0;
  for (let i = 0; i < recall.length; i++) sum += (recall[i] - (i > 0 ? recall[i - 1] : 0)) * precision[i];
  return sum;
}

/**
 * Area under the curve by trapezoids, starting at (recall 0, precision 1). Straight lines between the
 * points are optimistic (Davis and Goadrich 2006): prefer `averagePrecision` unless a paper uses this.
 */
export function prAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const { precision, recall } = precisionRecallCurve(scores, labels);
  let area = 0;
  for (let i = 0; i < recall.length; i++) {
    const [previousRecall, previousPrecision] = i > 0 ? [recall[i - 1], precision[i - 1]] : [0, 1];
    area += ((recall[i] - previousRecall) * (precision[i] + previousPrecision)) / 2;
  }
  return area;
}

/**
 * The threshold (predict positive at a score of at least it) with the largest F1; of equal ones the
 * highest. Choose it on development data: on the data it was chosen on, its F1 is optimistic.
 */
export function bestThresholdF1(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): { threshold: number; precision: number; recall: number; f1: number } {
  const { positives } = binaryCounts("bestThresholdF1", scores, labels);
  let best = { threshold: Number.POSITIVE_INFINITY, precision: 0, recall: 0, f1: -1 };
  for (const { threshold, truePositives, falsePositives } of thresholdCounts(scores, labels)) {
    const result = f1FromCounts({ truePositives, falsePositives, falseNegatives: positives - truePositives });
    if (result.f1 > best.f1) best = { threshold, ...result };
  }
  return best;
}
