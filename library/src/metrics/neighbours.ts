export interface EmbeddedItems {
  /** [items, dimension] row by row, of any length above 0. */
  embeddings: Float32Array;
  /** Class of each, an integer of at least 0, [items]. */
  labels: ArrayLike<number>;
}

export interface NeighbourOptions {
  /** Number of neighbours that vote, at most all. Default 20. */
  k?: number;
  /**
   * "weighted": a neighbour of cosine s votes with exp(s / temperature), as in Wu et al. 2018,
   * "Unsupervised Feature Learning via Non-Parametric Instance Discrimination". "majority": one vote
   * each; of classes with equal votes the one of the nearest neighbour wins. Default "weighted".
   */
  vote?: "weighted" | "majority";
  /** Default 0.07. */
  temperature?: number;
}

/** Accuracy on `test` of voting among the nearest items of `train` by cosine. */
export function nearestNeighbourAccuracy(
  train: EmbeddedItems,
  test: EmbeddedItems,
  options: NeighbourOptions = {},
): number {
  const predicted = nearestNeighbours(train, test.embeddings, options);
  if (predicted.length !== test.labels.length)
    throw new RangeError(
      `nearestNeighbourAccuracy: ${predicted.length} test embeddings, ${test.labels.length} labels`,
    );
  let correct = 0;
  for (let i = 0; i < predicted.length; i++) if (predicted[i] === test.labels[i]) correct++;
  return correct / predicted.length;
}

/**
 * Predicts the class of each query by a vote among the nearest items of `train` by cosine.
 *
 * @param queries [queries, dimension]
 * @returns [queries]
 * @throws RangeError where shapes do not fit, or where an embedding is zero or not finite
 */
export function nearestNeighbours(
  train: EmbeddedItems,
  queries: Float32Array,
  options: NeighbourOptions = {},
): Int32Array {
  const { k = 20, vote = "weighted", temperature = 0.07 } = options;
  const count = train.labels.length;
  const dimension = train.embeddings.length / count;
  if (!(Number.isInteger(dimension) && dimension > 0 && queries.length % dimension === 0))
    throw new RangeError(
      `nearestNeighbours: train has ${train.embeddings.length} values for ${count} labels, queries ${queries.length} values`,
    );
  if (!(Number.isSafeInteger(k) && k >= 1))
    throw new RangeError(`nearestNeighbours: k ${k} must be an integer of at least 1`);
  const keys = unitRows(train.embeddings, dimension);
  const units = unitRows(queries, dimension);

  const nearest = new Int32Array(Math.min(k, count));
  const cosines = new Float64Array(nearest.length);
  const row = new Float64Array(count);
  return Int32Array.from({ length: queries.length / dimension }, (_, query) => {
    dotProducts(keys, units, query * dimension, dimension, row);
    selectLargest(row, nearest, cosines);
    const votes = new Map<number, number>();
    for (let i = 0; i < nearest.length; i++) {
      const label = train.labels[nearest[i]];
      // Relative to the nearest, so that a small temperature does not overflow.
      const weight = vote === "majority" ? 1 : Math.exp((cosines[i] - cosines[0]) / temperature);
      votes.set(label, (votes.get(label) ?? 0) + weight);
    }
    let winner = train.labels[nearest[0]];
    for (const [label, weight] of votes) if (weight > votes.get(winner)!) winner = label;
    return winner;
  });
}

function unitRows(values: Float32Array, dimension: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += dimension) {
    let square = 0;
    for (let i = start; i < start + dimension; i++) square += values[i] * values[i];
    if (!(square > 0 && square < Infinity))
      throw new RangeError(
        `nearestNeighbours: embedding ${start / dimension} is zero or not finite, it has no cosine`,
      );
    for (let i = start; i < start + dimension; i++) out[i] = values[i] / Math.sqrt(square);
  }
  return out;
}

/** Four rows at a time: the query's values are then read once for four products. */
function dotProducts(
  keys: Float32Array,
  queries: Float32Array,
  start: number,
  dimension: number,
  out: Float64Array,
): void {
  const whole = out.length - (out.length % 4);
  for (let row = 0; row < whole; row += 4) {
    const a = row * dimension;
    const b = a + dimension;
    const c = b + dimension;
    const d = c + dimension;
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
    for (let i = 0; i < dimension; i++) {
      const q = queries[start + i];
      sumA += keys[a + i] * q;
      sumB += keys[b + i] * q;
      sumC += keys[c + i] * q;
      sumD += keys[d + i] * q;
    }
    out[row] = sumA;
    out[row + 1] = sumB;
    out[row + 2] = sumC;
    out[row + 3] = sumD;
  }
  for (let row = whole; row < out.length; row++) {
    let sum = 0;
    for (let i = 0; i < dimension; i++) sum += keys[row * dimension + i] * queries[start + i];
    out[row] = sum;
  }
}

/** Indices and values of the largest entries, falling; of equal ones the first. */
function selectLargest(values: Float64Array, indices: Int32Array, largest: Float64Array): void {
  largest.fill(Number.NEGATIVE_INFINITY);
  const last = largest.length - 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value <= largest[last]) continue;
    let at = last;
    for (; at > 0 && largest[at - 1] < value; at--) {
      largest[at] = largest[at - 1];
      indices[at] = indices[at - 1];
    }
    largest[at] = value;
    indices[at] = i;
  }
}
