/** Finding labels of a negative class ("no relation") that are likely wrong, among nearest neighbours. */

export interface SuspectLabels {
  /** Rows whose label is suspect, rising. */
  rows: Int32Array;
  /** The label that their neighbours speak for, one a row. */
  labels: Int32Array;
}

export interface CleaningOptions {
  /** Neighbours by cosine. Default: 3. */
  k?: number;
  /** The class whose labels are suspect. Default: 0. */
  negative?: number;
}

/**
 * Intrinsic strategy, for when positive labels can be trusted: starts from the positives that a model calls negative
 * and suspects the k negatives nearest to each. A suspect's other label is the commonest among the positives
 * that led to it; of equals that of the nearest.
 *
 * Drop the suspects (elimination) or give them the other label (reclassification).
 *
 * Source: Parekh et al., "Noise in Relation Classification Dataset TACRED: Characterization and Reduction" (2023),
 * the intrinsic strategy.
 *
 * @param representations [n, dimension] row by row; rows of zeros have a cosine of 0 to all others
 * @param labels [n]
 * @param predictions Out of sample, as cross-validation gives them, [n].
 * @throws RangeError where lengths do not fit or k is not a positive whole number.
 */
export function intrinsicSuspects(
  representations: Float32Array,
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  { k = 3, negative = 0 }: CleaningOptions = {},
): SuspectLabels {
  const name = "intrinsicSuspects";
  const units = unitRows(name, representations, labels.length, k);
  if (predictions.length !== labels.length)
    throw new RangeError(`${name}: predictions has ${predictions.length} entries; expected ${labels.length}`);
  const all = Array.from({ length: labels.length }, (_, i) => i);
  const negatives = all.filter((i) => labels[i] === negative);
  const missed = all.filter((i) => labels[i] !== negative && predictions[i] === negative);
  const votes = new Map<number, Vote[]>();
  for (const query of missed)
    for (const { row, cosine } of nearest(units, query, units, negatives, k)) {
      const own = votes.get(row) ?? [];
      own.push({ label: labels[query]!, cosine });
      votes.set(row, own);
    }
  return suspects([...votes].map(([row, own]) => ({ row, label: commonest(own) })));
}

export interface ExtrinsicOptions extends CleaningOptions {
  /**
   * Whether positives are judged, too: one is suspect if none of its k clean neighbours has its label. Default:
   * false.
   */
  positives?: boolean;
}

/**
 * Extrinsic strategy, for when there are a few clean labels: suspects negatives most of whose k nearest clean items are
 * positive. A suspect's other label is the commonest among these positives; of equals that of the nearest.
 *
 * Source: Parekh et al., "Noise in Relation Classification Dataset TACRED: Characterization and Reduction" (2023),
 * the extrinsic strategy.
 *
 * @param representations [n, dimension] row by row; rows of zeros have a cosine of 0 to all others
 * @param labels [n]
 * @param clean Representations [m, dimension] and labels [m] of the clean items, which may be none.
 * @throws RangeError where lengths do not fit or k is not a positive whole number.
 */
export function extrinsicSuspects(
  representations: Float32Array,
  labels: ArrayLike<number>,
  clean: { representations: Float32Array; labels: ArrayLike<number> },
  { k = 3, negative = 0, positives = false }: ExtrinsicOptions = {},
): SuspectLabels {
  const name = "extrinsicSuspects";
  const units = unitRows(name, representations, labels.length, k);
  const items = Array.from({ length: clean.labels.length }, (_, i) => i);
  if (items.length === 0) return suspects([]);
  const cleanUnits = unitRows(name, clean.representations, items.length, k);
  if (cleanUnits.dimension !== units.dimension)
    throw new RangeError(
      `${name}: clean representations have ${cleanUnits.dimension} dimensions; expected ${units.dimension}`,
    );
  const found = Array.from({ length: labels.length }, (_, row) => row).flatMap((row) => {
    if (labels[row] !== negative && !positives) return [];
    const votes = nearest(units, row, cleanUnits, items, k).map(
      ({ row: item, cosine }): Vote => ({ label: clean.labels[item]!, cosine }),
    );
    if (labels[row] !== negative)
      return votes.some(({ label }) => label === labels[row]) ? [] : [{ row, label: commonest(votes) }];
    const positive = votes.filter(({ label }) => label !== negative);
    return 2 * positive.length > votes.length ? [{ row, label: commonest(positive) }] : [];
  });
  return suspects(found);
}

interface Vote {
  label: number;
  cosine: number;
}

function commonest(votes: readonly Vote[]): number {
  const counts = new Map<number, number>();
  for (const { label } of votes) counts.set(label, (counts.get(label) ?? 0) + 1);
  const ordered = [...votes].sort(
    (a, b) => counts.get(b.label)! - counts.get(a.label)! || b.cosine - a.cosine,
  );
  return ordered[0]!.label;
}

function suspects(found: { row: number; label: number }[]): SuspectLabels {
  const ordered = found.sort((a, b) => a.row - b.row);
  return {
    rows: Int32Array.from(ordered, ({ row }) => row),
    labels: Int32Array.from(ordered, ({ label }) => label),
  };
}

interface Units {
  values: Float32Array;
  dimension: number;
}

function unitRows(name: string, representations: Float32Array, count: number, k: number): Units {
  const dimension = representations.length / count;
  if (!(Number.isInteger(dimension) && dimension > 0))
    throw new RangeError(
      `${name}: ${representations.length} values are no representations of ${count} labels`,
    );
  if (!(Number.isSafeInteger(k) && k >= 1))
    throw new RangeError(`${name}: k is ${k}; expected a whole number of at least 1`);
  const values = representations.slice();
  for (let start = 0; start < values.length; start += dimension) {
    const row = values.subarray(start, start + dimension);
    const length = Math.hypot(...row);
    if (length > 0) for (let i = 0; i < dimension; i++) row[i]! /= length;
  }
  return { values, dimension };
}

/** The k rows of highest cosine, falling; of equal ones the first. */
function nearest(from: Units, query: number, units: Units, rows: readonly number[], k: number) {
  const { dimension } = units;
  const found: { row: number; cosine: number }[] = [];
  for (const row of rows) {
    let cosine = 0;
    for (let i = 0; i < dimension; i++)
      cosine += from.values[query * dimension + i]! * units.values[row * dimension + i]!;
    if (found.length === k && cosine <= found[k - 1]!.cosine) continue;
    let at = found.length;
    while (at > 0 && found[at - 1]!.cosine < cosine) at--;
    found.splice(at, 0, { row, cosine });
    if (found.length > k) found.pop();
  }
  return found;
}
