/** Mechanisms that make labels weaker, as sensors, annotators and aggregation do. */
import type { Random } from "../random.ts";

export interface IncompleteObservationOptions {
  /** β, the probability that an observation is complete. */
  completeness: number;
  /** Mean of the exponential loss of an incomplete observation, in units of the labels. */
  scale: number;
  /**
   * How far each label is from its true function, [n]. Twice as much is lost on top, which puts incomplete
   * observations below the function. Default: 0.
   */
  noise?: ArrayLike<number>;
  random: Random;
}

/**
 * Labels of which some are too low: with probability 1 − β, independently of everything else,
 * y − (2 |noise| + Exp(scale)). Nothing tells which.
 *
 * Source: Katsuki and Osogami, "Regression with Sensor Data Containing Incomplete Observations" (2023), the
 * asymmetric noise model.
 *
 * @param labels y, [n]
 * @returns The labels as observed, [n], and which were complete, [n].
 */
export function incompleteObservations(
  labels: ArrayLike<number>,
  { completeness, scale, noise, random }: IncompleteObservationOptions,
): { labels: Float64Array; complete: Uint8Array } {
  requireProbability("incompleteObservations", "completeness", completeness);
  if (!(scale >= 0))
    throw new RangeError(`incompleteObservations: scale is ${scale}; expected a number of at least 0`);
  if (noise && noise.length !== labels.length)
    throw new RangeError(
      `incompleteObservations: noise has ${noise.length} entries for ${labels.length} labels`,
    );
  const complete = Uint8Array.from(random.split("complete").bernoulli(labels.length, completeness));
  const losses = random.split("losses").exponential(new Float64Array(labels.length));
  const observed = Float64Array.from(labels, (y, i) =>
    complete[i] ? y : y - 2 * Math.abs(noise?.[i] ?? 0) - scale * losses[i]!,
  );
  return { labels: observed, complete };
}

export interface Bags {
  /** Examples of each bag, [bags · size] bag by bag. What is left over is in none. */
  indices: Int32Array;
  /** Proportion of label 1 in each bag, [bags]. */
  proportions: Float32Array;
}

/**
 * Puts examples into random bags of one size, each known by its proportion of positives alone.
 *
 * @param labels 0 or 1, [n]
 * @throws RangeError where the examples do not fill one bag
 */
export function makeBags(labels: ArrayLike<number>, size: number, random: Random): Bags {
  const count = Math.floor(labels.length / size);
  if (!(Number.isSafeInteger(size) && size >= 1 && count >= 1))
    throw new RangeError(`makeBags: size is ${size}; expected a whole number from 1 to ${labels.length}`);
  const indices = random.permutation(labels.length).slice(0, count * size);
  const proportions = new Float32Array(count);
  indices.forEach((index, i) => {
    proportions[Math.floor(i / size)]! += labels[index]! / size;
  });
  return { indices, proportions };
}

export interface PropensityOptions {
  /** Columns of the attributes that labelling depends on. */
  attributes: readonly number[];
  /** Probability of a label where an attribute is smallest. Default: 0.2. */
  lowest?: number;
  /** Probability of a label where an attribute is largest. Default: 0.8. */
  highest?: number;
}

/**
 * The probability that each example would get a label if it were positive: the geometric mean, over the given
 * attributes, of a line from `lowest` at the attribute's minimum to `highest` at its maximum.
 *
 * Source: Bekker, Robberechts and Davis, "Beyond the Selected Completely At Random Assumption for Learning
 * from Positive and Unlabeled Data" (2019), section 6.
 *
 * @param x [n, width] row by row
 * @returns [n]
 */
export function propensities(
  x: Float32Array | Float64Array,
  width: number,
  { attributes, lowest = 0.2, highest = 0.8 }: PropensityOptions,
): Float64Array {
  requireProbability("propensities", "lowest", lowest);
  requireProbability("propensities", "highest", highest);
  const count = x.length / width;
  if (!Number.isInteger(count))
    throw new RangeError(`propensities: ${x.length} values are no rows of width ${width}`);
  if (attributes.length === 0 || attributes.some((a) => !(Number.isInteger(a) && a >= 0 && a < width)))
    throw new RangeError(
      `propensities: attributes is [${attributes.join(", ")}]; expected columns from 0 to ${width - 1}`,
    );
  const result = new Float64Array(count).fill(1);
  for (const attribute of attributes) {
    const column = Float64Array.from({ length: count }, (_, i) => x[i * width + attribute]!);
    const low = column.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const range = column.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - low || 1;
    column.forEach((value, i) => {
      result[i]! *= (lowest + ((value - low) / range) * (highest - lowest)) ** (1 / attributes.length);
    });
  }
  return result;
}

/**
 * Labels each positive example with its propensity: 1 is a label, 0 unlabelled.
 *
 * @param labels 0 or 1, [n]
 * @param propensity [n]
 * @returns [n]
 */
export function labelSomePositives(
  labels: ArrayLike<number>,
  propensity: ArrayLike<number>,
  random: Random,
): Uint8Array {
  if (labels.length !== propensity.length)
    throw new RangeError(
      `labelSomePositives: propensity has ${propensity.length} entries for ${labels.length} labels`,
    );
  // One draw an example, whatever its label, so that other propensities meet the same draws.
  return Uint8Array.from(labels, (label, i) => {
    const draw = random.next();
    return label === 1 && draw < propensity[i]! ? 1 : 0;
  });
}

function requireProbability(name: string, argument: string, value: number): void {
  if (!(value >= 0 && value <= 1))
    throw new RangeError(`${name}: ${argument} is ${value}; expected a probability, from 0 to 1`);
}
