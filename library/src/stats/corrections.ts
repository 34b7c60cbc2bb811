import adjust from "@stdlib/stats-padjust";

/**
 * Holm's step-down correction (1979) of p-values for several tests: rejecting adjusted values up to α
 * keeps the chance of any false rejection at α, however the tests depend on each other.
 *
 * @returns adjusted p-values in the given order
 */
export function holm(pValues: ArrayLike<number>): number[] {
  return corrected("holm", pValues);
}

/**
 * Benjamini and Hochberg's step-up correction (1995): rejecting adjusted values up to α keeps the
 * expected share of false rejections at α, for tests that are independent or positively dependent.
 *
 * @returns adjusted p-values in the given order
 */
export function benjaminiHochberg(pValues: ArrayLike<number>): number[] {
  return corrected("bh", pValues);
}

function corrected(method: "holm" | "bh", pValues: ArrayLike<number>): number[] {
  const list = Array.from(pValues, (p, i) => {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`p-value ${i} is ${p}, outside 0 to 1`);
    return p;
  });
  return list.length === 0 ? [] : adjust(list, method);
}
