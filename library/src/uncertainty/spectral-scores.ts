/** How badly spectra of counts are explained: by predicted shares of channels, or by a few principal components. */
import { eigh } from "../linalg/index.ts";
import { fromData, values } from "../tensor/index.ts";

/**
 * Multinomial deviance of each spectrum: 2 Σ_e n_e log(n_e / (N p_e)) with N = Σ_e n_e, and 0 log 0 = 0. With
 * the true shares it is χ² with channels − 1 degrees of freedom where counts are large, whatever N: pixels of few
 * counts do not look odd.
 *
 * @param counts n, at least 0, [pixels, width] row by row
 * @param probabilities p, of any scale (each row is normalised), above 0 where counts are, [pixels, width]
 * @param options.width Channels of a spectrum.
 * @param options.channels First channel and the one behind the last that count; shares are normalised among them.
 *   Default: all.
 * @returns [pixels]; 0 for a pixel without counts
 */
export function multinomialDeviance(
  counts: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  { width, channels: [first, end] = [0, width] }: { width: number; channels?: readonly [number, number] },
): Float64Array {
  requireRows("multinomialDeviance", counts, width);
  if (probabilities.length !== counts.length)
    throw new RangeError(
      `multinomialDeviance: probabilities has ${probabilities.length} numbers; expected ${counts.length}, as counts`,
    );
  if (!(first >= 0 && first < end && end <= width))
    throw new RangeError(
      `multinomialDeviance: channels is [${first}, ${end}]; expected a range within [0, ${width}]`,
    );
  const deviances = new Float64Array(counts.length / width);
  for (let pixel = 0; pixel < deviances.length; pixel++) {
    let [total, mass, sum] = [0, 0, 0];
    for (let at = pixel * width + first; at < pixel * width + end; at++) {
      const [n, p] = [counts[at]!, probabilities[at]!];
      total += n;
      mass += p;
      if (n > 0) sum += n * Math.log(n / p);
    }
    if (total > 0) deviances[pixel] = Math.max(0, 2 * (sum - total * Math.log(total / mass)));
  }
  return deviances;
}

export interface PrincipalSubspace {
  /** Variances along all directions, largest first, from n − 1 degrees of freedom. */
  variances: Float64Array;
  /** Rows [n, width] as the mean and the kept components give them back. */
  reconstruct(rows: ArrayLike<number>): Float64Array;
}

/**
 * Principal components of rows, which give a row back as their mean plus its projection.
 *
 * The squared residuals of the rows that it was fitted to add up to (n − 1) times the sum of the variances that were
 * not kept.
 *
 * @param rows [n, width] row by row, n ≥ 2
 * @param options.components How many are kept, from 0 (the mean alone) to width.
 */
export function principalSubspace(
  rows: ArrayLike<number>,
  { width, components }: { width: number; components: number },
): PrincipalSubspace {
  requireRows("principalSubspace", rows, width);
  const count = rows.length / width;
  if (count < 2) throw new RangeError(`principalSubspace: rows has ${count} rows; expected at least 2`);
  if (!(Number.isSafeInteger(components) && components >= 0 && components <= width))
    throw new RangeError(
      `principalSubspace: components is ${components}; expected a whole number from 0 to ${width}`,
    );
  const mean = new Float64Array(width);
  for (let at = 0; at < rows.length; at++) mean[at % width]! += rows[at]! / count;
  const covariance = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) centred[i] = rows[row * width + i]! - mean[i]!;
    for (let i = 0; i < width; i++)
      for (let j = 0; j <= i; j++) covariance[i * width + j]! += (centred[i]! * centred[j]!) / (count - 1);
  }
  for (let i = 0; i < width; i++)
    for (let j = 0; j < i; j++) covariance[j * width + i] = covariance[i * width + j]!;
  const decomposed = eigh(fromData(covariance, [width, width]));
  const [ascending, vectors] = [values(decomposed.values), values(decomposed.vectors)];
  return {
    variances: Float64Array.from(ascending).reverse(),
    reconstruct: (some) => {
      requireRows("reconstruct", some, width);
      const out = new Float64Array(some.length);
      for (let start = 0; start < some.length; start += width) {
        for (let i = 0; i < width; i++) out[start + i] = mean[i]!;
        for (let k = width - components; k < width; k++) {
          let score = 0;
          for (let i = 0; i < width; i++) score += (some[start + i]! - mean[i]!) * vectors[i * width + k]!;
          for (let i = 0; i < width; i++) out[start + i]! += score * vectors[i * width + k]!;
        }
      }
      return out;
    },
  };
}

function requireRows(name: string, rows: ArrayLike<number>, width: number): void {
  if (!(Number.isSafeInteger(width) && width >= 1 && rows.length % width === 0))
    throw new RangeError(`${name}: width is ${width}; expected a divisor of ${rows.length}`);
}
