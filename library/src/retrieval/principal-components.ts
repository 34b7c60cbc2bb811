/** Principal components of vectors: fewer numbers that keep most of how they differ. */
import { eigh } from "../linalg/index.ts";
import { fromData, values } from "../tensor/index.ts";
import { type Vectors, vectors } from "./vectors.ts";

export interface PrincipalComponents {
  /** Number of components. */
  width: number;
  /** Share of the variance that they keep. */
  retained: number;
  /** Vectors of the fitted width as their components, [count, width]: centred by the fitted mean, not of length 1. */
  transform(rows: Vectors): Vectors;
}

/**
 * The fewest principal components that keep a share of the variance. Vectors are centred by their mean, so
 * with all components distances stay as they are and cosines do not.
 *
 * @param rows what they are fitted to: training vectors alone, two at least
 * @param variance share of the variance to keep, above 0 and at most 1. Default 0.95.
 */
export function principalComponents(rows: Vectors, { variance = 0.95 } = {}): PrincipalComponents {
  const { data, count, width: inputs } = rows;
  if (count < 2) throw new RangeError(`principalComponents: there are ${count} rows; expected two at least`);
  if (!(variance > 0 && variance <= 1))
    throw new RangeError(`principalComponents: variance is ${variance}; expected above 0 and at most 1`);
  const mean = new Float64Array(inputs);
  for (let at = 0; at < data.length; at++) mean[at % inputs]! += data[at]! / count;
  const covariance = new Float64Array(inputs * inputs);
  const centred = new Float64Array(inputs);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < inputs; i++) centred[i] = data[row * inputs + i]! - mean[i]!;
    for (let i = 0; i < inputs; i++)
      for (let j = 0; j <= i; j++) covariance[i * inputs + j]! += (centred[i]! * centred[j]!) / count;
  }
  for (let i = 0; i < inputs; i++)
    for (let j = 0; j < i; j++) covariance[j * inputs + i] = covariance[i * inputs + j]!;
  const { values: rising, vectors: columns } = eigh(fromData(covariance, [inputs, inputs], "float64"));
  // Rounding can leave what should be 0 below it.
  const variances = Array.from(values(rising) as Float64Array, (value) => Math.max(0, value)).reverse();
  const total = variances.reduce((sum, value) => sum + value, 0);
  if (total === 0) throw new RangeError("principalComponents: all rows are equal; expected them to differ");
  let width = 0;
  let kept = 0;
  // All of the variance is kept by as many components as vary at all.
  const enough = variance * total * (1 - 1e-12);
  while (width < inputs && kept < enough) kept += variances[width++]!;
  const basis = values(columns) as Float64Array;
  // Component after component; the largest stands in the last column.
  const axes = Float64Array.from(
    { length: width * inputs },
    (_, at) => basis[(at % inputs) * inputs + inputs - 1 - Math.floor(at / inputs)]!,
  );
  return {
    width,
    retained: kept / total,
    transform(x) {
      if (x.width !== inputs)
        throw new RangeError(
          `principalComponents: rows have width ${x.width}; expected ${inputs}, the fitted one`,
        );
      const out = new Float32Array(x.count * width);
      for (let row = 0; row < x.count; row++) {
        for (let i = 0; i < inputs; i++) centred[i] = x.data[row * inputs + i]! - mean[i]!;
        for (let j = 0; j < width; j++) {
          let sum = 0;
          for (let i = 0; i < inputs; i++) sum += centred[i]! * axes[j * inputs + i]!;
          out[row * width + j] = sum;
        }
      }
      return vectors(out, width);
    },
  };
}
