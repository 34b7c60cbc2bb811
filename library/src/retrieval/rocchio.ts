import { rowDot, unitRows, type Vectors, vectors } from "./vectors.ts";

export interface RocchioOptions {
  /** γ: how much likeness to the bad examples counts against a candidate, at least 0. Default: 1. */
  gamma?: number;
}

/**
 * How well candidates fit what good and bad examples show, without training: cos(y, ȳ⁺) − γ cos(y, ȳ⁻), with the means
 * of the good and of the bad examples' vectors, all of length 1. Without bad examples, or with γ = 0, it is the
 * likeness to the mean of the good ones.
 *
 * Source: after Rocchio 1971, "Relevance Feedback in Information Retrieval", with cosines in place of products.
 *
 * @param candidates [n, width]
 * @param good [examples, width], at least one row.
 * @param bad [examples, width], may be without rows.
 * @returns [n]; a mean of zero length has cosine 0 with everything.
 * @throws RangeError for widths that differ, no good example, or a negative γ.
 */
export function rocchioScores(
  candidates: Vectors,
  good: Vectors,
  bad: Vectors,
  { gamma = 1 }: RocchioOptions = {},
): Float64Array {
  if (!(gamma >= 0))
    throw new RangeError(`rocchioScores: gamma is ${gamma}; expected a number of at least 0`);
  if (good.count === 0) throw new RangeError("rocchioScores: good has no row; expected at least one");
  for (const [name, { width }] of Object.entries({ good, bad }))
    if (width !== candidates.width)
      throw new RangeError(`rocchioScores: ${name} has width ${width}; expected ${candidates.width}`);
  const rows = unitRows(candidates);
  const [toward, away] = [direction(good), direction(bad)];
  return Float64Array.from(
    { length: rows.count },
    (_, i) => rowDot(rows, i, toward, 0) - gamma * rowDot(rows, i, away, 0),
  );
}

/** The mean of rows of length 1, itself made that long. */
function direction(rows: Vectors): Vectors {
  const { data, count, width } = unitRows(rows);
  const sum = new Float32Array(width);
  for (let i = 0; i < count * width; i++) sum[i % width]! += data[i]!;
  return unitRows(vectors(sum, width));
}
