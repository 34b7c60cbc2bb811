/** Data in which some classes have far more examples than others. */
import type { Random } from "../random.ts";

/**
 * Class sizes that fall exponentially from the first class to the last: largest · ratio^(−k / (classes − 1)),
 * rounded, at least 1.
 *
 * Source: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples" (2019), section 4.1.
 *
 * @param options.classes At least 2.
 * @param options.largest Size of the first class.
 * @param options.ratio Of the first class's size to the last one's, at least 1.
 */
export function exponentialImbalance(options: { classes: number; largest: number; ratio: number }): number[] {
  const { classes, largest, ratio } = options;
  if (!(Number.isSafeInteger(classes) && classes >= 2))
    throw new RangeError(`exponentialImbalance: classes is ${classes}; expected an integer of at least 2`);
  if (!(largest >= 1))
    throw new RangeError(`exponentialImbalance: largest is ${largest}; expected at least 1`);
  if (!(ratio >= 1)) throw new RangeError(`exponentialImbalance: ratio is ${ratio}; expected at least 1`);
  return Array.from({ length: classes }, (_, k) =>
    Math.max(1, Math.round(largest * ratio ** (-k / (classes - 1)))),
  );
}

/**
 * Draws a given number of examples of each class.
 *
 * @param labels Class of each example.
 * @param counts How many to take of class k.
 * @returns Indices of the examples, in random order.
 * @throws RangeError naming the class of which there are too few.
 */
export function sampleByClass(
  labels: ArrayLike<number>,
  counts: ArrayLike<number>,
  random: Random,
): Int32Array {
  const members = Array.from({ length: counts.length }, (): number[] => []);
  for (let i = 0; i < labels.length; i++) members[labels[i]!]?.push(i);
  const taken = members.flatMap((indices, k) => {
    if (counts[k]! > indices.length)
      throw new RangeError(
        `sampleByClass: counts[${k}] is ${counts[k]}, there are ${indices.length} examples of that class`,
      );
    return random.split(k).shuffle(indices).slice(0, counts[k]);
  });
  return Int32Array.from(random.split("order").shuffle(taken));
}
