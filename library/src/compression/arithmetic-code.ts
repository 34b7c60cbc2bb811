/** Lossless codes of symbols, and how long they are. */

/**
 * Length in bits of an arithmetic code of symbols by their own frequencies: ⌈n H⌉ + 1, with H the entropy of the
 * frequencies in bits. It is that of `arithmeticCode`, which needs the counts beside it to be read.
 *
 * @param counts How often each symbol occurs, whole numbers of at least 0. Nothing to code takes 0 bits.
 */
export function arithmeticCodeBits(counts: ArrayLike<number>): number {
  const total = totalOf("arithmeticCodeBits", counts);
  let bits = 0;
  for (let i = 0; i < counts.length; i++)
    if (counts[i]! > 0) bits += counts[i]! * Math.log2(total / counts[i]!);
  // Rounding must not add a bit to what is a whole number.
  return total === 0 ? 0 : Math.ceil(bits - 1e-9) + 1;
}

/**
 * The arithmetic code of symbols, computed exactly: the interval of the whole sequence is found in whole numbers, and
 * its shortest binary fraction taken. Time grows with the square of the length: it is for checking lengths.
 *
 * Source: Rissanen (1976); Witten, Neal and Cleary, "Arithmetic Coding for Data Compression" (1987).
 *
 * @param symbols Whole numbers below `counts.length`, each as often as counts says.
 * @returns Bits, 0 or 1.
 */
export function arithmeticCode(symbols: ArrayLike<number>, counts: ArrayLike<number>): Uint8Array {
  const total = BigInt(totalOf("arithmeticCode", counts));
  const below = cumulative(counts);
  let [low, width, scale] = [0n, 1n, 1n];
  for (let i = 0; i < symbols.length; i++) {
    const count = counts[symbols[i]!];
    if (!(count! > 0))
      throw new RangeError(
        `arithmeticCode: symbols[${i}] is ${symbols[i]}; expected one with a count above 0`,
      );
    low = low * total + width * below[symbols[i]!]!;
    width *= BigInt(count!);
    scale *= total;
  }
  const bits = arithmeticCodeBits(counts);
  // The smallest multiple of 2^−bits that lies in the interval.
  const code = ((low << BigInt(bits)) + scale - 1n) / scale;
  return Uint8Array.from({ length: bits }, (_, i) => Number((code >> BigInt(bits - 1 - i)) & 1n));
}

/** The symbols of `arithmeticCode`, by the same counts. */
export function decodeArithmeticCode(bits: Uint8Array, counts: ArrayLike<number>): Int32Array {
  const length = totalOf("decodeArithmeticCode", counts);
  const total = BigInt(length);
  const below = cumulative(counts);
  const code = bits.reduce((value, bit) => (value << 1n) + BigInt(bit), 0n);
  let unit = total ** BigInt(length);
  // Where the code lies, in units of the finest interval.
  let place = (code * unit) >> BigInt(bits.length);
  let width = 1n;
  return Int32Array.from({ length }, () => {
    unit /= total;
    const step = width * unit;
    const at = place / step;
    let symbol = 0;
    while (below[symbol + 1]! <= at) symbol++;
    place -= below[symbol]! * step;
    width *= BigInt(counts[symbol]!);
    return symbol;
  });
}

/** Length of a code that tells where it ends, from that of one which does not: b + 2 log₂ b, 0 for 0 bits. */
export function prefixFreeBits(bits: number): number {
  if (!(bits >= 0)) throw new RangeError(`prefixFreeBits: bits is ${bits}; expected a number of at least 0`);
  return bits > 0 ? bits + 2 * Math.log2(bits) : 0;
}

/** How many symbols are smaller than each, and at the end how many there are. */
function cumulative(counts: ArrayLike<number>): bigint[] {
  const below = [0n];
  for (let i = 0; i < counts.length; i++) below.push(below[i]! + BigInt(counts[i]!));
  return below;
}

function totalOf(name: string, counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    if (!(Number.isInteger(counts[i]) && counts[i]! >= 0))
      throw new RangeError(`${name}: counts[${i}] is ${counts[i]}; expected a whole number of at least 0`);
    total += counts[i]!;
  }
  return total;
}
