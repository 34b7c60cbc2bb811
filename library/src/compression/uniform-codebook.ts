/** Vectors as few numbers of low precision, and the bits that they then take. */
import { arithmeticCodeBits } from "./arithmetic-code.ts";

export interface Codebook {
  /** Of each number which cell it lies in, from 0. */
  symbols: Int32Array;
  /** What stands for the numbers of each cell: their mean, of 16 bits. An empty cell has its lower border. */
  codebook: Float32Array;
  /** The numbers as they are read back. */
  values: Float32Array;
  /**
   * Of the message: symbols in an arithmetic code, 16 for each entry of the codebook, and the counts of the symbols
   * with ⌈log₂(n + 1)⌉ each.
   */
  bits: number;
}

/**
 * Quantises numbers to the means of equal cells of [−m, m], m the largest magnitude.
 *
 * Source: Lotfi et al., "Non-Vacuous Generalization Bounds for Large Language Models" (2023), and Lotfi et al.,
 * "PAC-Bayes Compression Bounds So Tight That They Can Explain Generalization" (2022).
 *
 * @param x [n], finite, n ≥ 1
 * @param levels Number of cells, at least 2; an odd number has one around 0. Default: 11.
 */
export function uniformCodebook(x: ArrayLike<number>, levels = 11): Codebook {
  if (!(Number.isInteger(levels) && levels >= 2))
    throw new RangeError(`uniformCodebook: levels is ${levels}; expected a whole number of at least 2`);
  if (x.length === 0) throw new RangeError("uniformCodebook: x is empty; expected at least one number");
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]))
      throw new RangeError(`uniformCodebook: x[${i}] is ${x[i]}; expected a finite number`);
    largest = Math.max(largest, Math.abs(x[i]!));
  }
  const cell = (2 * largest) / levels || 1;
  const symbols = Int32Array.from(x, (value) =>
    Math.min(levels - 1, Math.max(0, Math.floor((value + largest) / cell))),
  );
  const [sums, counts] = [new Float64Array(levels), new Int32Array(levels)];
  symbols.forEach((symbol, i) => {
    sums[symbol]! += x[i]!;
    counts[symbol]!++;
  });
  const codebook = Float32Array.from({ length: levels }, (_, k) =>
    Math.f16round(counts[k]! > 0 ? sums[k]! / counts[k]! : k * cell - largest),
  );
  const bits = arithmeticCodeBits(counts) + levels * (16 + Math.ceil(Math.log2(x.length + 1)));
  return { symbols, codebook, values: Float32Array.from(symbols, (symbol) => codebook[symbol]!), bits };
}
