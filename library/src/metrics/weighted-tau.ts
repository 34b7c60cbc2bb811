import { sameLength } from "./check.ts";

/**
 * Kendall's rank correlation in which the top counts most, −1 to 1: a pair of items at ranks r and s
 * (from 0, highest value first) weighs 1/(r + 1) + 1/(s + 1). It is computed with ranks by the first and
 * by the second list, and averaged. NaN where one list is constant.
 *
 * Source: Vigna, "A Weighted Correlation Index for Rankings with Ties" (2015); scipy.stats.weightedtau.
 */
export function weightedTau(a: ArrayLike<number>, b: ArrayLike<number>): number {
  sameLength("weightedTau", "the two lists", a, b);
  return (oneSided(a, b) + oneSided(b, a)) / 2;
}

/** With ranks by the first list, ties in it by the second. */
function oneSided(first: ArrayLike<number>, second: ArrayLike<number>): number {
  const order = Array.from(first, (_, i) => i).sort((i, j) => first[j] - first[i] || second[j] - second[i]);
  let [both, left, right] = [0, 0, 0];
  for (let r = 0; r < order.length; r++) {
    for (let s = 0; s < r; s++) {
      const weight = 1 / (r + 1) + 1 / (s + 1);
      const x = Math.sign(first[order[r]] - first[order[s]]);
      const y = Math.sign(second[order[r]] - second[order[s]]);
      both += weight * x * y;
      left += weight * x ** 2;
      right += weight * y ** 2;
    }
  }
  return both / Math.sqrt(left * right);
}
