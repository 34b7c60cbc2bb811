/**
 * Receiver operating characteristic of a binary task: scores [n], a higher one speaking for the
 * positive class, and labels [n], 1 or 0.
 */
import { binaryCounts } from "./check.ts";
import { ranks, sortedIndices } from "./ranks.ts";

export interface RocCurve {
  /** Share of negatives with a score of at least the threshold. Starts at 0, ends at 1. */
  falsePositiveRate: Float64Array;
  /** Share of positives with a score of at least the threshold. */
  truePositiveRate: Float64Array;
  /** Falling: Infinity, then each distinct score. */
  thresholds: Float64Array;
}

/** One point for each distinct score, from (0, 0) to (1, 1). */
export function rocCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): RocCurve {
  const { positives, negatives } = binaryCounts("rocCurve", scores, labels);
  const points = [
    { falsePositives: 0, truePositives: 0, threshold: Number.POSITIVE_INFINITY },
    ...thresholdCounts(scores, labels),
  ];
  return {
    falsePositiveRate: Float64Array.from(points, (point) => point.falsePositives / negatives),
    truePositiveRate: Float64Array.from(points, (point) => point.truePositives / positives),
    thresholds: Float64Array.from(points, (point) => point.threshold),
  };
}

/** Positives and negatives at or above each distinct score, highest score first. */
export function thresholdCounts(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): { threshold: number; truePositives: number; falsePositives: number }[] {
  const order = sortedIndices(scores).reverse();
  const points = [];
  let truePositives = 0;
  let falsePositives = 0;
  for (let i = 0; i < order.length; i++) {
    if (labels[order[i]] === 1) truePositives++;
    else falsePositives++;
    const threshold = scores[order[i]];
    if (i + 1 === order.length || scores[order[i + 1]] !== threshold)
      points.push({ threshold, truePositives, falsePositives });
  }
  return points;
}

/**
 * Area under the curve: the chance that a random positive scores above a random negative, ties half.
 * By rank sums (Mann and Whitney 1947), O(n log n).
 */
export function rocAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const { positives, negatives } = binaryCounts("rocAuc", scores, labels);
  const rank = ranks(scores);
  let sum = 0;
  for (let i = 0; i < rank.length; i++) if (labels[i] === 1) sum += rank[i];
  return (sum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Area under the curve from false-positive rate 0 to `maxFpr`, not normalised: 0 to maxFpr. */
export function partialAuc(scores: ArrayLike<number>, labels: ArrayLike<number>, maxFpr: number): number {
  if (!(maxFpr > 0 && maxFpr <= 1))
    throw new RangeError(`partialAuc: maxFpr ${maxFpr} must be above 0 and at most 1`);
  const { falsePositiveRate: x, truePositiveRate: y } = rocCurve(scores, labels);
  let area = 0;
  for (let i = 1; i < x.length && x[i - 1] < maxFpr; i++) {
    const right = Math.min(x[i], maxFpr);
    const height =
      x[i] > x[i - 1] ? y[i - 1] + ((y[i] - y[i - 1]) * (right - x[i - 1])) / (x[i] - x[i - 1]) : y[i];
    area += ((right - x[i - 1]) * (y[i - 1] + height)) / 2;
  }
  return area;
}

/**
 * `partialAuc` rescaled so that chance is 0.5 and perfect is 1, as scikit-learn's `max_fpr`:
 * (1 + (area - maxFpr²/2) / (maxFpr - maxFpr²/2)) / 2. Source: McClish 1989, "Analyzing a Portion of the ROC Curve".
 */
export function standardizedPartialAuc(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  maxFpr: number,
): number {
  const chance = maxFpr ** 2 / 2;
  return (1 + (partialAuc(scores, labels, maxFpr) - chance) / (maxFpr - chance)) / 2;
}

/** Smallest false-positive rate of any threshold that finds at least this share of positives (0.95: "FPR95"). */
export function fprAtTpr(scores: ArrayLike<number>, labels: ArrayLike<number>, tpr = 0.95): number {
  const { falsePositiveRate, truePositiveRate } = rocCurve(scores, labels);
  return falsePositiveRate[truePositiveRate.findIndex((rate) => rate >= tpr)];
}

/** Largest true-positive rate of any threshold with at most this false-positive rate. */
export function tprAtFpr(scores: ArrayLike<number>, labels: ArrayLike<number>, fpr: number): number {
  const { falsePositiveRate, truePositiveRate } = rocCurve(scores, labels);
  return truePositiveRate[falsePositiveRate.findLastIndex((rate) => rate <= fpr)];
}

/**
 * Equal error rate: where the curve, with straight lines between its points, has as many false
 * positives as misses (false-positive rate = 1 - true-positive rate). 0 is perfect, chance 0.5.
 */
export function equalErrorRate(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const { falsePositiveRate: x, truePositiveRate: y } = rocCurve(scores, labels);
  const excess = (i: number) => x[i] - (1 - y[i]);
  const right = x.findIndex((_, i) => excess(i) >= 0);
  const left = right - 1;
  return x[left] + ((x[right] - x[left]) * excess(left)) / (excess(left) - excess(right));
}
