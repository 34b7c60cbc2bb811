/** Arithmetic mean; NaN of nothing. */
export function mean(sample: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < sample.length; i++) sum += sample[i];
  return sum / sample.length;
}

/** Sample variance, divided by n - 1; NaN with fewer than two values. */
export function variance(sample: ArrayLike<number>): number {
  if (sample.length < 2) return Number.NaN;
  const center = mean(sample);
  let sum = 0;
  for (let i = 0; i < sample.length; i++) sum += (sample[i] - center) ** 2;
  return sum / (sample.length - 1);
}

/** Square root of the sample variance. */
export function standardDeviation(sample: ArrayLike<number>): number {
  return Math.sqrt(variance(sample));
}

/** Standard error of the mean: standard deviation / √n. */
export function standardError(sample: ArrayLike<number>): number {
  return Math.sqrt(variance(sample) / sample.length);
}

/**
 * Quantile, linear between order statistics (type 7 of Hyndman and Fan 1996, the default of R and NumPy).
 *
 * @param probability 0 to 1
 */
export function quantile(sample: ArrayLike<number>, probability: number): number {
  if (!(probability >= 0 && probability <= 1))
    throw new RangeError(`quantile: probability ${probability} must be between 0 and 1`);
  const sorted = Float64Array.from(sample).sort();
  const place = (sorted.length - 1) * probability;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return place === below ? sorted[below] : sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** The middle value, or the mean of the middle two. */
export function median(sample: ArrayLike<number>): number {
  return quantile(sample, 0.5);
}

/** First list minus second, pair by pair. */
export function differences(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  if (a.length !== b.length) throw new RangeError(`Paired samples have ${a.length} and ${b.length} values`);
  return Float64Array.from({ length: a.length }, (_, i) => a[i] - b[i]);
}
