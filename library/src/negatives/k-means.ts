/** Clusters of similar rows. */
import type { Random } from "../random.ts";
import type { Vectors } from "../retrieval/vectors.ts";

export interface KMeansOptions {
  clusters: number;
  random: Random;
  /** Rounds at most. Default: 50. */
  iterations?: number;
}

export interface KMeans {
  /** The cluster of each row. */
  assignments: Int32Array;
  /** [clusters, width] */
  centers: Float64Array;
  /** Sum of squared distances of the rows from their centres. */
  inertia: number;
}

/**
 * k-means by Lloyd's rounds from the starts of k-means++ (Arthur and Vassilvitskii 2007): each further centre is
 * a row, drawn in proportion to its squared distance from the nearest centre so far. A cluster that loses all
 * its rows keeps its centre.
 */
export function kMeans(rows: Vectors, { clusters, random, iterations = 50 }: KMeansOptions): KMeans {
  const { data, count, width } = rows;
  if (!(Number.isSafeInteger(clusters) && clusters >= 1 && clusters <= count))
    throw new RangeError(`kMeans: clusters is ${clusters}; expected 1 to ${count}, the number of rows`);
  const centers = new Float64Array(clusters * width);
  const distance = (row: number, center: number) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += (data[row * width + k]! - centers[center * width + k]!) ** 2;
    return sum;
  };
  const nearest = new Float64Array(count).fill(Infinity);
  for (let center = 0; center < clusters; center++) {
    const spread = nearest.some((d) => d > 0);
    const row = center === 0 || !spread ? random.integer(0, count) : random.categorical(nearest);
    for (let k = 0; k < width; k++) centers[center * width + k] = data[row * width + k]!;
    for (let i = 0; i < count; i++) nearest[i] = Math.min(nearest[i]!, distance(i, center));
  }
  const assignments = new Int32Array(count).fill(-1);
  let inertia = 0;
  for (let round = 0; round <= iterations; round++) {
    let moved = false;
    inertia = 0;
    for (let i = 0; i < count; i++) {
      let best = 0;
      let least = Infinity;
      for (let center = 0; center < clusters; center++) {
        const d = distance(i, center);
        if (d < least) [best, least] = [center, d];
      }
      inertia += least;
      if (assignments[i] !== best) moved = true;
      assignments[i] = best;
    }
    if (!moved || round === iterations) break;
    const sums = new Float64Array(clusters * width);
    const sizes = new Int32Array(clusters);
    for (let i = 0; i < count; i++) {
      const center = assignments[i]!;
      sizes[center]!++;
      for (let k = 0; k < width; k++) sums[center * width + k]! += data[i * width + k]!;
    }
    for (let center = 0; center < clusters; center++)
      if (sizes[center]! > 0)
        for (let k = 0; k < width; k++)
          centers[center * width + k] = sums[center * width + k]! / sizes[center]!;
  }
  return { assignments, centers, inertia };
}
