/** What a surrogate loss promises about the 0/1 loss: consistency bounds of the comp-sum family. */

/**
 * T_τ(β): the least excess of the comp-sum risk over its minimum that an excess 0/1 risk of β costs, for
 * symmetric and complete hypothesis sets. With A = ((1 + β)^{1/(2−τ)} + (1 − β)^{1/(2−τ)}) / 2 it is
 *
 * - 2^{1−τ} (1 − A^{2−τ}) / (1 − τ) for 0 ≤ τ < 1,
 * - ((1 + β) log(1 + β) + (1 − β) log(1 − β)) / 2 for τ = 1,
 * - (A^{2−τ} − 1) / ((τ − 1) n^{τ−1}) for 1 < τ < 2,
 * - β / n for τ = 2.
 *
 * Source: Mao, Mohri and Zhong, "Cross-Entropy Loss Functions: Theoretical Analysis and Applications"
 * (2023), theorem 3.1.
 *
 * @param beta Excess 0/1 risk, 0 to 1.
 * @param tau τ of `compSum`, 0 to 2.
 * @param classes n, at least 2.
 * @returns In the units of the comp-sum loss (nats for τ = 1).
 */
export function compSumTransform(beta: number, tau: number, classes: number): number {
  if (!(beta >= 0 && beta <= 1))
    throw new RangeError(`compSumTransform: beta is ${beta}; expected a number from 0 to 1`);
  requireFamily("compSumTransform", tau, classes);
  if (tau === 2) return beta / classes;
  if (tau === 1) return (xLogX(1 + beta) + xLogX(1 - beta)) / 2;
  const power = 1 / (2 - tau);
  const mixed = (((1 + beta) ** power + (1 - beta) ** power) / 2) ** (2 - tau);
  return tau < 1
    ? (2 ** (1 - tau) * (1 - mixed)) / (1 - tau)
    : (mixed - 1) / ((tau - 1) * classes ** (tau - 1));
}

/**
 * Γ_τ = T_τ⁻¹: the largest excess 0/1 risk that an excess comp-sum risk allows; 1 where it allows any.
 *
 * @param excess Excess of the comp-sum risk over its minimum, at least 0.
 * @param tau τ of `compSum`, 0 to 2.
 * @param classes n, at least 2.
 * @returns 0 to 1, found by bisection to 2^−50.
 */
export function compSumBound(excess: number, tau: number, classes: number): number {
  if (!(excess >= 0))
    throw new RangeError(`compSumBound: excess is ${excess}; expected a number of at least 0`);
  requireFamily("compSumBound", tau, classes);
  if (excess >= compSumTransform(1, tau, classes)) return 1;
  let [low, high] = [0, 1];
  for (let halving = 0; halving < 50; halving++) {
    const middle = (low + high) / 2;
    if (compSumTransform(middle, tau, classes) <= excess) low = middle;
    else high = middle;
  }
  return high;
}

function requireFamily(name: string, tau: number, classes: number): void {
  if (!(tau >= 0 && tau <= 2)) throw new RangeError(`${name}: tau is ${tau}; expected a number from 0 to 2`);
  if (!(Number.isInteger(classes) && classes >= 2))
    throw new RangeError(`${name}: classes is ${classes}; expected a whole number of at least 2`);
}

const xLogX = (x: number) => (x === 0 ? 0 : x * Math.log(x));
