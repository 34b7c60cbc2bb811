/** What can be read off logits [n, classes], row by row, that probabilities no longer tell. */
import { columnsOf } from "./check.ts";

/** The true class's logit minus the largest of the others, one a row: positive where the row is right. */
export function logitMargins(logits: ArrayLike<number>, labels: ArrayLike<number>): Float64Array {
  const classes = columnsOf("logitMargins", logits, labels);
  if (classes < 2) throw new RangeError("logitMargins: there is one class; expected at least 2");
  return Float64Array.from({ length: labels.length }, (_, i) => {
    let rival = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) if (k !== labels[i]) rival = Math.max(rival, logits[i * classes + k]!);
    return logits[i * classes + labels[i]!]! - rival;
  });
}

/**
 * log Σ e^logit, one a row: the negative free energy, higher for inputs like those of the training.
 *
 * Source: Liu et al., "Energy-based Out-of-distribution Detection" (2020), equation 4 at temperature 1.
 */
export function negativeEnergies(logits: ArrayLike<number>, classes: number): Float64Array {
  if (!(Number.isInteger(classes) && classes >= 1 && logits.length % classes === 0))
    throw new RangeError(`negativeEnergies: ${logits.length} logits are no rows of ${classes}`);
  return Float64Array.from({ length: logits.length / classes }, (_, i) => {
    let largest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) largest = Math.max(largest, logits[i * classes + k]!);
    let total = 0;
    for (let k = 0; k < classes; k++) total += Math.exp(logits[i * classes + k]! - largest);
    return largest + Math.log(total);
  });
}
