/** Decisions from probabilities, where errors do not all cost the same. */
import { argMax } from "../metrics/index.ts";

/**
 * The decision with the highest expected utility for each row: arg max_k Σ_y u(y, k) p(y).
 *
 * With the identity as utility this is the arg max of the probabilities. The first of equals is taken.
 *
 * @param probabilities p, [n, classes] row by row
 * @param utility u, [classes, decisions] row by row: what decision k is worth where class y is true.
 * @returns [n]
 * @throws RangeError where the utility has no whole number of decisions for each class.
 */
export function bayesDecision(
  probabilities: ArrayLike<number>,
  utility: ArrayLike<number>,
  classes: number,
): Int32Array {
  if (!(Number.isInteger(classes) && classes >= 1 && probabilities.length % classes === 0))
    throw new RangeError(`bayesDecision: ${probabilities.length} probabilities are no rows of ${classes}`);
  const decisions = utility.length / classes;
  if (!(Number.isInteger(decisions) && decisions >= 1))
    throw new RangeError(
      `bayesDecision: utility has ${utility.length} entries; expected a whole number for each of ${classes} classes`,
    );
  const expected = new Float64Array((probabilities.length / classes) * decisions);
  for (let i = 0; i < expected.length; i++) {
    const row = Math.floor(i / decisions) * classes;
    for (let y = 0; y < classes; y++)
      expected[i]! += probabilities[row + y]! * utility[y * decisions + (i % decisions)]!;
  }
  return argMax(expected, decisions);
}
