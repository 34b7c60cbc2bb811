/** Refuses lists of different length, or empty ones, in the metric's own words. */
export function sameLength(
  metric: string,
  names: string,
  a: ArrayLike<unknown>,
  b: ArrayLike<unknown>,
): void {
  if (a.length !== b.length)
    throw new RangeError(`${metric}: ${names} have ${a.length} and ${b.length} entries`);
  if (a.length === 0) throw new RangeError(`${metric}: ${names} are empty`);
}

/** Number of columns of a matrix [rows, columns] that is held row by row. */
export function columnsOf(metric: string, values: ArrayLike<number>, labels: ArrayLike<number>): number {
  const columns = values.length / labels.length;
  if (!(Number.isInteger(columns) && columns >= 1))
    throw new RangeError(`${metric}: ${values.length} values are no matrix with ${labels.length} rows`);
  for (let i = 0; i < labels.length; i++)
    if (!(Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < columns))
      throw new RangeError(`${metric}: label ${i} is ${labels[i]}, outside the ${columns} classes`);
  return columns;
}

/** Counts of the two classes of a binary task. Refuses other labels, NaN scores, and a class without items. */
export function binaryCounts(
  metric: string,
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): { positives: number; negatives: number } {
  sameLength(metric, "scores and labels", scores, labels);
  let positives = 0;
  for (let i = 0; i < labels.length; i++) {
    if (Number.isNaN(scores[i])) throw new RangeError(`${metric}: score ${i} is NaN`);
    if (labels[i] !== 0 && labels[i] !== 1)
      throw new RangeError(`${metric}: label ${i} is ${labels[i]}; 1 (positive) or 0 (negative) is needed`);
    positives += labels[i];
  }
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0)
    throw new RangeError(
      `${metric}: both classes are needed, there are ${positives} positives and ${negatives} negatives`,
    );
  return { positives, negatives };
}
