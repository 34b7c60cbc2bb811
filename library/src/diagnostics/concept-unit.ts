/** Which single number of a network's state tells a concept. */
import { type L1LogisticRegression, l1LogisticRegression } from "../inference/l1-logistic-regression.ts";
import { linearScores } from "../inference/linear-classifier.ts";

export interface LabelledStates {
  /** [n, units] */
  states: Float32Array | Float64Array;
  /** [n], 0 or 1 */
  labels: ArrayLike<number>;
}

export interface SparseProbe extends L1LogisticRegression {
  /** The C that was best on the validation states. */
  C: number;
  /** Share of the validation states that it classifies correctly. */
  validationAccuracy: number;
  /** The unit with the largest weight; 0 where all weights are zero. */
  unit: number;
}

/**
 * A sparse linear probe of states, and the unit that it leans on most: L1 logistic regression for each C, of which the
 * one that classifies the validation states best is taken, the strongest penalty among equals.
 *
 * Bring units to one scale first, as the penalty is one for all: bounded by tanh, or of variance 1.
 *
 * Source: Radford, Jozefowicz and Sutskever, "Learning to Generate Reviews and Discovering Sentiment" (2017).
 *
 * @param options.C Candidates. Default: 2⁻⁸, 2⁻⁷, …, 1.
 */
export function sparseProbe(
  train: LabelledStates,
  validation: LabelledStates,
  { C: candidates = powers }: { C?: readonly number[] } = {},
): SparseProbe {
  if (candidates.length === 0)
    throw new RangeError("sparseProbe: C is empty; expected at least one candidate");
  let best: SparseProbe | undefined;
  for (const C of candidates.toSorted((a, b) => a - b)) {
    const fit = l1LogisticRegression(train.states, train.labels, { C });
    const scores = linearScores(fit, validation.states);
    let right = 0;
    for (let i = 0; i < validation.labels.length; i++)
      right += Number(scores[2 * i + 1]! > scores[2 * i]!) === validation.labels[i] ? 1 : 0;
    const validationAccuracy = right / validation.labels.length;
    if (best && best.validationAccuracy >= validationAccuracy) continue;
    const weights = fit.weights.subarray(fit.inputs);
    const unit = weights.reduce((at, w, j) => (Math.abs(w) > Math.abs(weights[at]!) ? j : at), 0);
    best = { ...fit, C, validationAccuracy, unit };
  }
  return best!;
}

const powers = Array.from({ length: 9 }, (_, i) => 2 ** (i - 8));
