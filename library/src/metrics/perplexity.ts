/** How surprised a language model is by a text. Logarithms are natural. */

export interface PerplexityOptions {
  /** 1 where a token counts, 0 where it does not (padding, a prompt). Default: all count. */
  mask?: ArrayLike<number>;
}

/**
 * Perplexity, exp(-mean log p): the number of equally likely tokens that would surprise as much.
 * Over several texts, pass all tokens at once: the mean of perplexities is something else.
 *
 * @param logProbabilities of each token given those before it, at most 0
 * @returns at least 1; Infinity where a token had probability 0
 */
export function perplexity(logProbabilities: ArrayLike<number>, options: PerplexityOptions = {}): number {
  const { sum, count } = total("perplexity", logProbabilities, options.mask);
  if (count === 0) throw new RangeError("perplexity: there is no token to average over");
  return Math.exp(-sum / count);
}

/**
 * Bits a byte, -Σ log₂ p / bytes: comparable between tokenisers, as perplexity is not.
 *
 * @param bytes length of the text in UTF-8
 */
export function bitsPerByte(
  logProbabilities: ArrayLike<number>,
  bytes: number,
  options: PerplexityOptions = {},
): number {
  if (!(bytes > 0)) throw new RangeError(`bitsPerByte: bytes ${bytes} must be above 0`);
  return -total("bitsPerByte", logProbabilities, options.mask).sum / Math.LN2 / bytes;
}

function total(metric: string, values: ArrayLike<number>, mask?: ArrayLike<number>) {
  if (mask && mask.length !== values.length)
    throw new RangeError(`${metric}: mask has ${mask.length} entries for ${values.length} tokens`);
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const counts = mask ? mask[i] : 1;
    if (counts !== 0 && counts !== 1)
      throw new RangeError(`${metric}: mask ${i} is ${counts}; 1 or 0 is needed`);
    // A masked value may be anything: padding often has probability 0 or none.
    if (counts === 0) continue;
    if (!(values[i] <= 0))
      throw new RangeError(`${metric}: log-probability ${i} is ${values[i]}; at most 0 is needed`);
    sum += values[i];
    count++;
  }
  return { sum, count };
}
