import { sameLength } from "./check.ts";

/**
 * False-head rate of long-tailed classification: the share of examples of tail classes that are taken for
 * head classes, averaged over where the head ends: after ⌊C ρ + 1/2⌋ classes for ρ = 1/4, 1/2 and 3/4.
 *
 * Source: Li and Zhang, "Long-tailed Classification from a Bayesian-decision-theory Perspective" (2023).
 *
 * @param predictions, labels Classes sorted from frequent to rare, 0 to classes − 1.
 * @throws RangeError where no label is of a tail class.
 */
export function falseHeadRate(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  sameLength("falseHeadRate", "predictions and labels", predictions, labels);
  const shares = [0.25, 0.5, 0.75];
  const rates = shares.map((share) => {
    const border = Math.floor(classes * share + 0.5);
    let [tail, missed] = [0, 0];
    for (let i = 0; i < labels.length; i++) {
      if (labels[i]! < border) continue;
      tail++;
      if (predictions[i]! < border) missed++;
    }
    if (tail === 0)
      throw new RangeError(`falseHeadRate: no label is ${border} or above, of ${classes} classes`);
    return missed / tail;
  });
  return rates.reduce((total, rate) => total + rate, 0) / rates.length;
}
