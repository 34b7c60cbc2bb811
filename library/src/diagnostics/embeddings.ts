/** How embeddings lie in their space: whether they use its dimensions, and whether they spread out. */
import { eigh } from "../linalg/index.ts";
import { fromData, type Tensor, values } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/**
 * How many dimensions embeddings use: e to the entropy of their singular values, taken as a distribution
 * (Roy and Vetterli 2007). 1 where all vectors lie on one line, min(n, d) where all directions are used alike;
 * 0 for zero vectors alone.
 *
 * @param embeddings Concrete, float [n, d]. They are not centred: vectors that all point one way count as one.
 */
export function effectiveRank(embeddings: Tensor): number {
  const [data, n, d] = matrix("effectiveRank", embeddings);
  const size = Math.min(n, d);
  // The eigenvalues of the smaller of XᵀX and XXᵀ are the squares of the singular values.
  const gram = new Float64Array(size * size);
  const [length, across, along] = n < d ? [d, d, 1] : [n, 1, d];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += data[i * across + k * along]! * data[j * across + k * along]!;
      gram[i * size + j] = sum;
      gram[j * size + i] = sum;
    }
  }
  const eigenvalues = values(eigh(fromData(gram, [size, size])).values);
  // Rounding leaves about 1e-16 of the largest where the eigenvalue is 0; its root must not count.
  const noise = eigenvalues[size - 1]! * size * 1e-14;
  const singular = Array.from(eigenvalues, (value) => (value > noise ? Math.sqrt(value) : 0));
  const total = singular.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  const entropy = singular.reduce((sum, s) => (s > 0 ? sum - (s / total) * Math.log(s / total) : sum), 0);
  return Math.exp(entropy);
}

/**
 * How far apart positives lie: the mean of ‖x − y‖^α over pairs, of vectors scaled to length 1 (Wang and Isola
 * 2020, equation 7). 0 is perfect, 4 the worst for α = 2.
 *
 * @param first, second Concrete, float [n, d]; row i of both is a positive pair.
 */
export function alignment(first: Tensor, second: Tensor, { alpha = 2 }: { alpha?: number } = {}): number {
  const [a, n, d] = matrix("alignment", first);
  const [b, m, width] = matrix("alignment", second);
  if (n !== m || d !== width)
    throw new RangeError(`alignment: ${describe(first)} and ${describe(second)}; expected two of one shape`);
  const [x, y] = [unitRows(a, n, d), unitRows(b, n, d)];
  let sum = 0;
  for (let i = 0; i < n; i++) sum += squaredDistance(x, i, y, i, d) ** (alpha / 2);
  return sum / n;
}

/**
 * How evenly vectors cover the sphere: the logarithm of the mean of e^(−t ‖x − y‖²) over all pairs of different
 * rows, scaled to length 1 (Wang and Isola 2020, equation 8). 0 where all are the same; the lower the more even.
 *
 * @param embeddings Concrete, float [n, d] with n ≥ 2.
 * @param options.t Default: 2.
 */
export function uniformity(embeddings: Tensor, { t = 2 }: { t?: number } = {}): number {
  const [data, n, d] = matrix("uniformity", embeddings);
  if (n < 2)
    throw new RangeError(`uniformity: ${describe(embeddings)} has no pairs; expected at least two rows`);
  const x = unitRows(data, n, d);
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) sum += Math.exp(-t * squaredDistance(x, i, x, j, d));
  return Math.log(sum / ((n * (n - 1)) / 2));
}

function matrix(name: string, x: Tensor): [ArrayLike<number>, number, number] {
  if (x.shape.length !== 2 || x.shape[0] === 0 || x.shape[1] === 0)
    throw new RangeError(`${name}: embeddings are ${describe(x)}; expected [n, d]`);
  return [values(x), x.shape[0]!, x.shape[1]!];
}

/** Rows divided by their length; a zero row stays zero. */
function unitRows(data: ArrayLike<number>, n: number, d: number): Float64Array {
  const unit = Float64Array.from(data);
  for (let i = 0; i < n; i++) {
    let squares = 0;
    for (let k = 0; k < d; k++) squares += unit[i * d + k]! ** 2;
    const length = Math.sqrt(squares) || 1;
    for (let k = 0; k < d; k++) unit[i * d + k]! /= length;
  }
  return unit;
}

function squaredDistance(x: Float64Array, i: number, y: Float64Array, j: number, d: number): number {
  let sum = 0;
  for (let k = 0; k < d; k++) sum += (x[i * d + k]! - y[j * d + k]!) ** 2;
  return sum;
}
