/** Tasks in which each item may have several labels. Scores and labels are [rows, classes], row by row. */
import { sameLength } from "./check.ts";
import { averagePrecision, bestThresholdF1 } from "./precision-recall.ts";

/**
 * Mean over the classes of the average precision with which each ranks its items: the mAP of
 * multi-label classification (that of retrieval, which ranks classes or documents for each query, is
 * `meanAveragePrecision`). Classes without a positive item have none and are left out.
 *
 * @param scores higher speaking for the class
 * @param labels 1 or 0
 * @throws RangeError where no class has a positive item
 */
export function macroAveragePrecision(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  const precisions = columns("macroAveragePrecision", scores, labels, classes).flatMap((column) => {
    if (!column.labels.includes(1)) return [];
    return column.labels.includes(0) ? [averagePrecision(column.scores, column.labels)] : [1];
  });
  if (precisions.length === 0)
    throw new RangeError("macroAveragePrecision: no class has a positive item; one at least is needed");
  return precisions.reduce((sum, precision) => sum + precision, 0) / precisions.length;
}

/**
 * For each class the threshold with the largest F1 (predict it at a score of at least that): choose on
 * development data. Infinity, so never, for classes without a positive item, -Infinity for those
 * without a negative one.
 */
export function bestThresholds(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Float64Array {
  return Float64Array.from(columns("bestThresholds", scores, labels, classes), (column) => {
    if (!column.labels.includes(1)) return Number.POSITIVE_INFINITY;
    if (!column.labels.includes(0)) return Number.NEGATIVE_INFINITY;
    return bestThresholdF1(column.scores, column.labels).threshold;
  });
}

/** 1 where a score reaches its class's threshold, else 0: [rows, classes]. */
export function atThresholds(scores: ArrayLike<number>, thresholds: ArrayLike<number>): Uint8Array {
  const classes = thresholds.length;
  if (!(classes >= 1 && scores.length % classes === 0))
    throw new RangeError(`atThresholds: ${scores.length} scores are no rows of ${classes}`);
  return Uint8Array.from(scores, (score, i) => (score >= thresholds[i % classes] ? 1 : 0));
}

function columns(metric: string, scores: ArrayLike<number>, labels: ArrayLike<number>, classes: number) {
  sameLength(metric, "scores and labels", scores, labels);
  if (!(Number.isInteger(classes) && classes >= 1 && labels.length % classes === 0))
    throw new RangeError(`${metric}: ${labels.length} labels are no rows of ${classes}`);
  const rows = labels.length / classes;
  return Array.from({ length: classes }, (_, column) => {
    const pick = (from: ArrayLike<number>) =>
      Float64Array.from({ length: rows }, (_, row) => from[row * classes + column]);
    return { scores: pick(scores), labels: pick(labels) };
  });
}
