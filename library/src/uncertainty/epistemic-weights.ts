/** Training where an ensemble is unsure: what its members disagree on is what more training there can teach. */

/**
 * Disagreement of an ensemble: for each example, the variance over members (divided by their number), averaged over
 * the numbers that they predict.
 *
 * @param members Predictions of each member, [n, width] row by row; at least two.
 * @param width Numbers an example.
 * @returns [n]
 */
export function predictiveVariance(members: readonly ArrayLike<number>[], width: number): Float64Array {
  if (members.length < 2)
    throw new RangeError(`predictiveVariance: members has ${members.length} entries; expected at least 2`);
  const { length } = members[0]!;
  const uneven = members.findIndex((member) => member.length !== length);
  if (!(Number.isSafeInteger(width) && width >= 1 && length % width === 0) || uneven >= 0)
    throw new RangeError(
      `predictiveVariance: members have ${members.map((member) => member.length).join(", ")} numbers; expected equal multiples of width, ${width}`,
    );
  const variances = new Float64Array(length / width);
  for (let i = 0; i < length; i++) {
    let [mean, square] = [0, 0];
    for (const member of members) mean += member[i]! / members.length;
    for (const member of members) square += (member[i]! - mean) ** 2 / members.length;
    variances[Math.floor(i / width)]! += square / width;
  }
  return variances;
}

/**
 * Sampling weights in proportion to uncertainty: u over its mean, kept within limits so that no example is forgotten and
 * none rules.
 *
 * Source: Zhang et al., "Body knowledge and uncertainty modeling for monocular 3D human body reconstruction" (2023);
 * the limits are ours.
 *
 * @param uncertainties u, [n], at least 0.
 * @param options.lowest Default: 0.2.
 * @param options.highest Default: 5.
 * @returns [n]; all 1 where nothing is uncertain.
 */
export function epistemicWeights(
  uncertainties: ArrayLike<number>,
  { lowest = 0.2, highest = 5 }: { lowest?: number; highest?: number } = {},
): Float64Array {
  if (!(lowest >= 0 && lowest <= 1 && highest >= 1))
    throw new RangeError(
      `epistemicWeights: lowest is ${lowest} and highest ${highest}; expected 0 ≤ lowest ≤ 1 ≤ highest`,
    );
  const numbers = Float64Array.from(uncertainties);
  const bad = numbers.findIndex((u) => !(u >= 0 && Number.isFinite(u)));
  if (bad >= 0)
    throw new RangeError(`epistemicWeights: uncertainties[${bad}] is ${numbers[bad]}; expected at least 0`);
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  if (!(mean > 0)) return numbers.fill(1);
  return numbers.map((u) => Math.min(Math.max(u / mean, lowest), highest));
}
