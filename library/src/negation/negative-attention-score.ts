/**
 * How much attention heads lean to the word "no" of an instruction such as "answer yes or no", after Yu et al. 2024,
 * "Correcting Negative Bias in Large Language Models through Negative Attention Score Alignment".
 */
import { type Tensor, values } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export interface NegativeAttentionOptions {
  /** Position of "yes" in the instruction, of each sequence. */
  yes: ArrayLike<number>;
  /** Position of "no" likewise. */
  no: ArrayLike<number>;
  /** First position after the instruction; earlier ones do not count. */
  start: ArrayLike<number>;
  /** Last position that counts, for padded sequences. Default: the last of all. */
  end?: ArrayLike<number>;
  /** Added to each weight, so that none is 0. Default: 1e-9. */
  epsilon?: number;
}

/**
 * Σ_i (A_iY + A_iN) log(A_iN / A_iY) over the positions i from `start` on: how much a head looks at the two words, times
 * which of them it prefers. Positive where it prefers "no". Exchanging the words turns the sign.
 *
 * @param attention weights after the softmax, [n, heads, length, length] with values; see `attentionMaps`
 * @returns [n, heads] In nats.
 * @throws RangeError for another shape and for positions outside of the sequence
 */
export function negativeAttentionScore(attention: Tensor, options: NegativeAttentionOptions): Float64Array {
  const { shape } = attention;
  if (shape.length !== 4 || shape[2] !== shape[3])
    throw new RangeError(
      `negativeAttentionScore: attention is ${describe(attention)}; expected [n, heads, length, length]`,
    );
  const [n, heads, length] = shape as [number, number, number, number];
  const { yes, no, start, end = new Array<number>(n).fill(length - 1), epsilon = 1e-9 } = options;
  for (const [name, positions] of Object.entries({ yes, no, start, end })) {
    if (positions.length !== n)
      throw new RangeError(
        `negativeAttentionScore: ${name} has ${positions.length} positions; expected ${n}`,
      );
    for (let i = 0; i < n; i++)
      if (!(Number.isSafeInteger(positions[i]) && positions[i]! >= 0 && positions[i]! < length))
        throw new RangeError(
          `negativeAttentionScore: ${name}[${i}] is ${positions[i]}; expected a position from 0 to ${length - 1}`,
        );
  }
  const weights = values(attention);
  const scores = new Float64Array(n * heads);
  for (let i = 0; i < n; i++)
    for (let head = 0; head < heads; head++) {
      let sum = 0;
      for (let row = start[i]!; row <= end[i]!; row++) {
        const at = ((i * heads + head) * length + row) * length;
        const toYes = Number(weights[at + yes[i]!]) + epsilon;
        const toNo = Number(weights[at + no[i]!]) + epsilon;
        sum += (toYes + toNo) * Math.log(toNo / toYes);
      }
      scores[i * heads + head] = sum;
    }
  return scores;
}
