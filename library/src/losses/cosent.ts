/** CoSENT: similarity scores that stand in the order of graded labels. */
import {
  add,
  concat,
  expandDims,
  fromData,
  greater,
  logSumExp,
  multiply,
  reshape,
  subtract,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export interface CosentOptions {
  /** Differences of cosines are divided by it. Default: 0.05, a scale of 20. */
  temperature?: number;
}

/**
 * CoSENT: log(1 + Σ e^{(c_l − c_k) / τ}) over all k, l of which k has the higher label. Only the order of labels
 * counts, equal ones say nothing, and adding a number to all cosines changes nothing. P pairs of texts have up to
 * P (P − 1) / 2 ordered couples, so memory grows with P².
 *
 * Source: Su, "CoSENT" (2022), https://kexue.fm/archives/8847; in the loss of Li et al., "Conan-embedding" (2024),
 * equation 3.
 *
 * @param cosines c, [P], of P pairs of texts
 * @param labels graded similarity of the same, [P]; any scale
 * @returns A scalar for the whole batch; 0 where all labels are equal.
 */
export function cosent(cosines: Tensor, labels: Tensor, { temperature = 0.05 }: CosentOptions = {}): Tensor {
  if (cosines.shape.length !== 1 || labels.shape.length !== 1 || cosines.shape[0] !== labels.shape[0])
    throw new RangeError(
      `cosent: cosines ${describe(cosines)} and labels ${describe(labels)}; expected [P] and [P]`,
    );
  if (!(temperature > 0)) throw new RangeError(`cosent: temperature is ${temperature}; expected more than 0`);
  const couples = (x: Tensor) => subtract(expandDims(x, 0), expandDims(x, 1));
  // Row k, column l: how much l lies above k.
  const above = multiply(couples(cosines), 1 / temperature);
  const ordered = greater(0, couples(labels));
  // Adding −∞ leaves a couple out exactly, and its gradient is exactly 0.
  const terms = add(above, where(ordered, zero(cosines), Number.NEGATIVE_INFINITY));
  return logSumExp(concat([reshape(terms, [-1]), reshape(zero(cosines), [1])]));
}

const zero = ({ dtype }: Tensor): Tensor =>
  dtype === "float64" ? fromData(new Float64Array(1), [], "float64") : fromData(new Float32Array(1), []);
