/**
 * A Gaussian for each class: mean and covariance of its rows.
 *
 * Covariances divide by n − 1. Shrinkage s draws them to a sphere of the same mean variance,
 * (1 − s) Σ + s (tr Σ / d) I (Ledoit and Wolf 2004), so that few rows still give a matrix that can be
 * inverted.
 *
 * @param rows [n, d] row by row
 * @param labels [n], 0 to classes − 1
 * @param options.shrinkage s, 0 to 1. Default: 0.
 * @returns `means` [classes, d] and `covariances` [classes, d, d]; zeros for a class without rows, and a
 *   covariance of zeros for a class with one.
 */
export function classGaussians(
  rows: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  { shrinkage = 0 }: { shrinkage?: number } = {},
): { counts: Int32Array; means: Float64Array; covariances: Float64Array } {
  const width = rows.length / labels.length;
  if (!(Number.isInteger(width) && width >= 1))
    throw new RangeError(`classGaussians: ${rows.length} values are no matrix with ${labels.length} rows`);
  if (!(shrinkage >= 0 && shrinkage <= 1))
    throw new RangeError(`classGaussians: shrinkage is ${shrinkage}; expected a number from 0 to 1`);
  const counts = new Int32Array(classes);
  const means = new Float64Array(classes * width);
  const covariances = new Float64Array(classes * width * width);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!(Number.isInteger(label) && label >= 0 && label < classes))
      throw new RangeError(`classGaussians: label ${i} is ${label}, outside the ${classes} classes`);
    counts[label]!++;
    for (let k = 0; k < width; k++) means[label * width + k]! += rows[i * width + k]!;
  }
  for (let j = 0; j < means.length; j++) means[j]! /= Math.max(counts[Math.floor(j / width)]!, 1);

  const centred = new Float64Array(width);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    for (let k = 0; k < width; k++) centred[k] = rows[i * width + k]! - means[label * width + k]!;
    const start = label * width * width;
    const share = 1 / Math.max(counts[label]! - 1, 1);
    for (let a = 0; a < width; a++)
      for (let b = 0; b < width; b++)
        covariances[start + a * width + b]! += centred[a]! * centred[b]! * share;
  }
  for (let label = 0; label < classes; label++) {
    const start = label * width * width;
    let trace = 0;
    for (let k = 0; k < width; k++) trace += covariances[start + k * (width + 1)]!;
    for (let j = 0; j < width * width; j++) covariances[start + j]! *= 1 - shrinkage;
    for (let k = 0; k < width; k++) covariances[start + k * (width + 1)]! += (shrinkage * trace) / width;
  }
  return { counts, means, covariances };
}
