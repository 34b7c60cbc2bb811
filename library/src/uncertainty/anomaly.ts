/** Detecting anomalies with models that have learned to give normal examples back. */
import type { Random } from "../random.ts";

/**
 * How badly each row was reconstructed: its mean squared or mean absolute error. A higher score speaks for
 * an anomaly. Use the same score for models trained with different losses, else their errors are not comparable.
 *
 * @param rows What was to be given back, [n, width] row by row.
 * @param reconstructions What the model gave, the same length.
 * @param options.width Numbers in a row.
 * @param options.error "l2": mean squared error. "l1": mean absolute error. Default: "l2".
 * @returns [n]
 * @throws RangeError where lengths do not fit.
 */
export function reconstructionScore(
  rows: ArrayLike<number>,
  reconstructions: ArrayLike<number>,
  { width, error = "l2" }: { width: number; error?: "l2" | "l1" },
): Float64Array {
  if (rows.length !== reconstructions.length)
    throw new RangeError(
      `reconstructionScore: reconstructions has ${reconstructions.length} numbers; expected ${rows.length}, as rows`,
    );
  if (!(Number.isSafeInteger(width) && width >= 1 && rows.length % width === 0))
    throw new RangeError(`reconstructionScore: width is ${width}; expected a divisor of ${rows.length}`);
  if (error !== "l2" && error !== "l1")
    throw new RangeError(`reconstructionScore: error is ${JSON.stringify(error)}; expected "l2" or "l1"`);
  const scores = new Float64Array(rows.length / width);
  for (let i = 0; i < rows.length; i++) {
    const e = rows[i]! - reconstructions[i]!;
    scores[Math.floor(i / width)]! += (error === "l2" ? e * e : Math.abs(e)) / width;
  }
  return scores;
}

export interface OneClassSplitOptions {
  /** Number of training rows. */
  train: number;
  /** Rows to evaluate on: a validation set, a test set, … */
  evaluation: readonly { normal: number; anomalous: number }[];
  /** Fraction of the training rows that are anomalies, unknown to the detector. Default: 0. */
  contamination?: number;
  random: Random;
}

export interface OneClassSplit {
  /** Row numbers. */
  train: Int32Array;
  evaluation: { rows: Int32Array; anomalous: Uint8Array }[];
}

/**
 * The one-class protocol: the detector is trained on normal rows and evaluated on normal and anomalous
 * ones that it has not seen. Normal training rows are the same at every contamination, as far as they go,
 * and so are the evaluation rows.
 *
 * @param anomalous For each row 1 if it is an anomaly, 0 if it is normal.
 * @throws RangeError where there are too few rows of a kind.
 */
export function oneClassSplit(
  anomalous: ArrayLike<number | boolean>,
  { train, evaluation, contamination = 0, random }: OneClassSplitOptions,
): OneClassSplit {
  if (!(contamination >= 0 && contamination < 1))
    throw new RangeError(`oneClassSplit: contamination is ${contamination}; expected at least 0 and below 1`);
  const shuffled = [...random.permutation(anomalous.length)];
  const kinds = {
    normal: shuffled.filter((i) => !anomalous[i]),
    anomalous: shuffled.filter((i) => anomalous[i]),
  };
  const take = (kind: keyof typeof kinds, count: number): number[] => {
    if (!(Number.isSafeInteger(count) && count >= 0 && count <= kinds[kind].length))
      throw new RangeError(
        `oneClassSplit: ${count} ${kind} rows are asked for; there are ${kinds[kind].length} left`,
      );
    return kinds[kind].splice(0, count);
  };
  const parts = evaluation.map((sizes) => {
    const normal = take("normal", sizes.normal);
    const rows = [...normal, ...take("anomalous", sizes.anomalous)];
    return {
      rows: Int32Array.from(rows),
      anomalous: Uint8Array.from(rows, (_, i) => Number(i >= normal.length)),
    };
  });
  const bad = Math.round(train * contamination);
  return {
    train: Int32Array.from([...take("normal", train - bad), ...take("anomalous", bad)]),
    evaluation: parts,
  };
}
