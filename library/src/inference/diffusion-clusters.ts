/** Clusters of vectors by how a random walk between neighbours spreads. */

import { squaredDistance } from "../metrics/sample-rows.ts";
import type { Random } from "../random.ts";
import { rightSingularVectors } from "../retrieval/spectral.ts";
import { median } from "../stats/moments.ts";
import { symmetricNMF } from "./symmetric-nmf.ts";

export interface DiffusionMapOptions {
  /** Number of coordinates. */
  width: number;
  /** Starts the search for eigenvectors. */
  random: Random;
  /** σ of the Gaussian kernel. Default: the median distance of two vectors. */
  bandwidth?: number;
}

/**
 * Diffusion coordinates: the eigenvectors of the smallest eigenvalues of I − D^{−1/2} A D^{−1/2} with the kernel
 * A_ij = exp(−‖x_i − x_j‖² / 2σ²) and its row sums D. The first is √D, up to its sign.
 *
 * Source: Coifman and Lafon, "Diffusion maps" (2006); with the median as bandwidth as in He et al., "PASER" (2025),
 * whose code hands the unsymmetric I − D⁻¹A to a solver for symmetric matrices.
 *
 * @param x [n, dimension] row by row
 * @param n Number of vectors, at least 2.
 * @returns [n, width] row by row; its columns are orthonormal.
 * @throws RangeError for numbers that do not fit, or where all vectors are equal and no bandwidth is given.
 */
export function diffusionMap(
  x: ArrayLike<number>,
  n: number,
  { width, random, bandwidth }: DiffusionMapOptions,
): Float32Array {
  if (!(Number.isInteger(n) && n >= 2 && x.length % n === 0))
    throw new RangeError(`diffusionMap: n is ${n} and x has ${x.length} numbers; expected n ≥ 2 equal rows`);
  if (!(Number.isInteger(width) && width >= 1 && width <= n))
    throw new RangeError(`diffusionMap: width is ${width}; expected a whole number from 1 to ${n}`);
  const squares = squaredDistances(x, n);
  const sigma = bandwidth ?? medianDistance(squares, n);
  if (!(sigma > 0)) throw new RangeError(`diffusionMap: bandwidth is ${sigma}; expected a number above 0`);
  const kernel = Float64Array.from(squares, (square) => Math.exp(-square / (2 * sigma * sigma)));
  const degrees = Float64Array.from({ length: n }, (_, i) =>
    kernel.subarray(i * n, (i + 1) * n).reduce((sum, each) => sum + each, 0),
  );
  const all = Int32Array.from({ length: n * n }, (_, i) => i % n);
  const normalized = Float32Array.from(
    kernel,
    (each, i) => each / Math.sqrt(degrees[Math.floor(i / n)]! * degrees[i % n]!),
  );
  // The kernel is positive semidefinite: its largest singular vectors are the eigenvectors that are wanted.
  return rightSingularVectors(
    {
      rows: n,
      columns: n,
      starts: Int32Array.from({ length: n + 1 }, (_, i) => i * n),
      indices: all,
      values: normalized,
    },
    { random, width, iterations: 12 },
  );
}

/**
 * Clusters by diffusion coordinates: the affinities |U Uᵀ| are factorised into non-negative parts, and each vector
 * belongs to its largest.
 *
 * Source: He et al., "PASER" (2025), semantic-structural recovery instruction clustering. Its code factorises |U Uᵀ|
 * into two different factors; the matrix is symmetric, and so is the factorisation here.
 *
 * @param x [n, dimension] row by row
 * @param options.clusters Most clusters there can be, K; as many coordinates are used.
 * @returns [n], from 0 to K − 1
 */
export function diffusionClusters(
  x: ArrayLike<number>,
  n: number,
  { clusters, random, bandwidth }: { clusters: number; random: Random; bandwidth?: number },
): Int32Array {
  const u = diffusionMap(x, n, { width: clusters, random: random.split("map"), bandwidth });
  const affinity = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let product = 0;
      for (let k = 0; k < clusters; k++) product += u[i * clusters + k]! * u[j * clusters + k]!;
      affinity[i * n + j] = affinity[j * n + i] = Math.abs(product);
    }
  const { factor } = symmetricNMF(affinity, {
    rank: clusters,
    random: random.split("factors"),
    iterations: 60,
  });
  return Int32Array.from({ length: n }, (_, i) => {
    const own = factor.subarray(i * clusters, (i + 1) * clusters);
    return own.indexOf(Math.max(...own));
  });
}

function squaredDistances(x: ArrayLike<number>, n: number): Float64Array {
  const squares = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++)
      squares[i * n + j] = squares[j * n + i] = squaredDistance(x, i, x, j, x.length / n);
  return squares;
}

/** Of all pairs of two different rows. */
function medianDistance(squares: Float64Array, n: number): number {
  return Math.sqrt(median(squares.filter((_, at) => at % n < Math.floor(at / n))));
}
