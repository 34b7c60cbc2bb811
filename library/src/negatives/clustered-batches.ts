/** Batches of similar examples, whose ordinary in-batch negatives are hard ones. */
import type { Random } from "../random.ts";
import { unitRows, type Vectors } from "../retrieval/vectors.ts";

export interface ClusterOptions {
  /** Members of a cluster, as near as halving all rows again and again gets to it. */
  size: number;
  /** Rounds of 2-means in each halving at most. Default 10. */
  iterations?: number;
  random: Random;
}

/**
 * Clusters of similar rows, all of the same size but for one: hierarchical spherical 2-means, in which the half of
 * the rows that are nearer to one centroid than to the other, counted from the most extreme, goes to it.
 *
 * Source: Dahiya et al., "NGAME: Negative mining-aware mini-batching for extreme classification" (2022), section
 * 4; the balanced 2-means is that of Prabhu et al., "Parabel" (2018), section 4.1.
 *
 * @param rows [n, d]; their lengths do not matter
 * @returns Numbers of rows, each row in one cluster; 2^round(log₂(n / size)) clusters, n at most
 */
export function balancedClusters(
  rows: Vectors,
  { size, iterations = 10, random }: ClusterOptions,
): Int32Array[] {
  if (!(size >= 1))
    throw new RangeError(`balancedClusters: size is ${size}; expected a number of at least 1`);
  if (!(Number.isSafeInteger(iterations) && iterations > 0))
    throw new RangeError(`balancedClusters: iterations is ${iterations}; expected a positive integer`);
  const unit = unitRows(rows);
  const halvings = Math.max(0, Math.round(Math.log2(rows.count / size)));
  // Of each row, used by one halving after the other.
  const scores = new Float64Array(rows.count);
  let clusters: Int32Array[] = [Int32Array.from({ length: rows.count }, (_, row) => row)];
  for (let level = 0; level < halvings; level++) {
    const draw = random.split(level);
    clusters = clusters.flatMap((members, i) =>
      members.length > 1 ? halves(unit, members, scores, iterations, draw.split(i)) : [members],
    );
  }
  return clusters;
}

function halves(
  { data, width }: Vectors,
  members: Int32Array,
  scores: Float64Array,
  iterations: number,
  random: Random,
): [Int32Array, Int32Array] {
  const size = members.length >> 1;
  const [a, b] = random.sample(members.length, 2);
  // Along the difference of the centroids; both start as rows.
  let direction = Float64Array.from(
    { length: width },
    (_, i) => data[members[a!]! * width + i]! - data[members[b!]! * width + i]!,
  );
  let order = members;
  for (let round = 0; round < iterations; round++) {
    for (const member of members) {
      let score = 0;
      for (let i = 0; i < width; i++) score += data[member * width + i]! * direction[i]!;
      scores[member] = score;
    }
    const next = members.slice().sort((x, y) => scores[y]! - scores[x]! || x - y);
    const first = new Set(order.subarray(0, size));
    const settled = round > 0 && next.subarray(0, size).every((member) => first.has(member));
    order = next;
    if (settled) break;
    const [left, right] = [order.subarray(0, size), order.subarray(size)].map((half) => centroid(half));
    direction = left!.map((x, i) => x - right![i]!);
  }
  return [order.slice(0, size), order.slice(size)];

  function centroid(half: Int32Array): Float64Array<ArrayBuffer> {
    const sum = new Float64Array(width);
    for (const member of half) for (let i = 0; i < width; i++) sum[i]! += data[member * width + i]!;
    const length = Math.hypot(...sum) || 1;
    return sum.map((x) => x / length);
  }
}

/**
 * One epoch of batches that join clusters at random: with clusters of one member an ordinary shuffle, with clusters
 * as large as a batch one topic a batch.
 *
 * @returns Each member once; the last batch is shorter where `size` does not divide their number.
 */
export function clusteredBatches(
  clusters: readonly ArrayLike<number>[],
  { size, random }: { size: number; random: Random },
): number[][] {
  if (!(Number.isSafeInteger(size) && size > 0))
    throw new RangeError(`clusteredBatches: size is ${size}; expected a positive integer`);
  const order = random.shuffle(clusters).flatMap((members) => Array.from(members));
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) =>
    order.slice(i * size, (i + 1) * size),
  );
}

/**
 * The size of clusters in an epoch: 1 at first, twice as large from each milestone on.
 *
 * @param milestones Epochs, counted from 0. Default: those of the paper, for 300 epochs of batches of 1,600.
 */
export function clusterCurriculum(
  epoch: number,
  milestones: readonly number[] = [10, 20, 25, 50, 75, 100, 125, 150, 200],
): number {
  return 2 ** milestones.filter((milestone) => epoch >= milestone).length;
}
