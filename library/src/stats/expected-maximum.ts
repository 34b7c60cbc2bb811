import normalCdf from "@stdlib/stats-base-dists-normal-cdf";

/**
 * The mean of the largest of k independent normal numbers: what choosing the best of k prompts, seeds or settings on
 * the test data gains on average where there is nothing to gain.
 *
 *     expectedMaximum(10)  // 1.5388
 *
 * It is deviation · ∫ x k φ(x) Φ(x)^(k−1) dx, here by Simpson's rule to about 10 digits. From observed scores, without
 * assuming that they are normal: `expectedMax` of `nearmiss/theory`.
 *
 * @param k whole number, at least 1.
 * @param deviation Standard deviation of each number, at least 0. Default: 1.
 * @throws RangeError for other numbers.
 */
export function expectedMaximum(k: number, deviation = 1): number {
  if (!(Number.isInteger(k) && k >= 1))
    throw new RangeError(`expectedMaximum: k is ${k}; expected a whole number of at least 1`);
  if (!(deviation >= 0))
    throw new RangeError(`expectedMaximum: deviation is ${deviation}; expected a number of at least 0`);
  const [limit, intervals] = [12, 2000];
  const width = (2 * limit) / intervals;
  let sum = 0;
  for (let i = 0; i <= intervals; i++) {
    const x = -limit + i * width;
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    const weight = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * x * k * density * normalCdf(x, 0, 1) ** (k - 1);
  }
  return (deviation * sum * width) / 3;
}
