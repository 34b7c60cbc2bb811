/**
 * Made-up data whose truth is known: points in classes, a regression, chains of states. Each takes
 * its own stream of randomness, and gives plain arrays.
 */
import type { Random } from "../random.ts";

export interface LabelledPoints {
  /** [count, dimensions], row by row. */
  points: Float32Array;
  /** Class of each point; point i is of class i mod classes, so any stretch holds the classes alike. */
  labels: Int32Array;
}

export interface PointOptions {
  count: number;
  /** Standard deviation of the normal noise that is added to each coordinate. */
  noise?: number;
  random: Random;
}

/**
 * Two half circles of radius 1, each reaching into the other: the upper one around (0, 0), the lower
 * one around (1, 0.5). Default noise 0.1.
 */
export function twoMoons({ count, noise = 0.1, random }: PointOptions): LabelledPoints {
  return labelled("twoMoons", count, 2, noise, random, (label) => {
    const angle = Math.PI * random.next();
    const upper = [Math.cos(angle), Math.sin(angle)];
    return label === 0 ? upper : [1 - upper[0], 0.5 - upper[1]];
  });
}

export interface SpiralOptions extends PointOptions {
  /** Number of arms. Default 2. */
  classes?: number;
  /** Turns of each arm. Default 1. */
  turns?: number;
}

/** Arms of a spiral from the middle out to radius 1, even along the radius. Default noise 0.02. */
export function spirals({
  count,
  noise = 0.02,
  random,
  classes = 2,
  turns = 1,
}: SpiralOptions): LabelledPoints {
  return labelled("spirals", count, classes, noise, random, (label) => {
    const radius = random.next();
    const angle = 2 * Math.PI * (turns * radius + label / classes);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

export interface BlobOptions {
  count: number;
  /** Center of each class, all of one dimension. */
  centers: readonly (readonly number[])[];
  /** Standard deviation around the centers. Default 1. */
  deviation?: number;
  random: Random;
}

/** Normal clouds of equal spread around the given centers: a mixture whose density is known. */
export function gaussianBlobs({ count, centers, deviation = 1, random }: BlobOptions): LabelledPoints {
  const dimensions = centers[0]?.length ?? 0;
  if (dimensions === 0 || centers.some((center) => center.length !== dimensions))
    throw new RangeError("gaussianBlobs: centers must be one at least, all of one dimension above 0");
  return labelled("gaussianBlobs", count, centers.length, deviation, random, (label) => centers[label]);
}

function labelled(
  name: string,
  count: number,
  classes: number,
  noise: number,
  random: Random,
  place: (label: number) => readonly number[],
): LabelledPoints {
  whole(name, "count", count);
  if (!(Number.isSafeInteger(classes) && classes >= 1))
    throw new RangeError(`${name}: classes ${classes} must be an integer of at least 1`);
  if (!(noise >= 0)) throw new RangeError(`${name}: noise ${noise} must be at least 0`);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const exact = Array.from(labels, (label) => place(label)).flat();
  const spread = random.normal(new Float64Array(exact.length), 0, noise);
  return { points: Float32Array.from(exact, (value, i) => value + spread[i]), labels };
}

export interface LinearGaussianOptions {
  count: number;
  /** True weights, one a feature. */
  weights: readonly number[];
  /** Default 0. */
  intercept?: number;
  /** Standard deviation of the noise on the targets. Default 1. */
  noise?: number;
  random: Random;
}

/** Regression y = x · weights + intercept + noise, with standard normal features x. */
export function linearGaussian(options: LinearGaussianOptions): {
  /** [count, weights], row by row. */
  features: Float64Array;
  /** [count] */
  targets: Float64Array;
} {
  const { count, weights, intercept = 0, noise = 1, random } = options;
  whole("linearGaussian", "count", count);
  if (!(noise >= 0)) throw new RangeError(`linearGaussian: noise ${noise} must be at least 0`);
  const width = weights.length;
  const features = random.normal(new Float64Array(count * width));
  const targets = random.normal(new Float64Array(count), intercept, noise);
  for (let row = 0; row < count; row++)
    for (let i = 0; i < width; i++) targets[row] += weights[i] * features[row * width + i];
  return { features, targets };
}

export interface MarkovOptions {
  /** Number of sequences. */
  count: number;
  /** States in each. */
  length: number;
  /** Weights of going from each state (row) to each state (column); rows need not sum to 1. */
  transitions: readonly (readonly number[])[];
  /** Weights of the first state. Default: all alike. */
  initial?: readonly number[];
  random: Random;
}

/**
 * Sequences of states 0 … states - 1, each drawn given the one before it alone.
 *
 * @returns [count, length], row by row
 */
export function markovChains({ count, length, transitions, initial, random }: MarkovOptions): Int32Array {
  whole("markovChains", "count", count);
  whole("markovChains", "length", length);
  const states = transitions.length;
  const first = initial ?? new Array<number>(states).fill(1);
  if (states === 0 || first.length !== states || transitions.some((row) => row.length !== states))
    throw new RangeError(
      `markovChains: transitions must be square and initial of ${states} weights, above 0`,
    );
  const sequences = new Int32Array(count * length);
  for (let i = 0; i < sequences.length; i++)
    sequences[i] = random.categorical(i % length === 0 ? first : transitions[sequences[i - 1]]);
  return sequences;
}

function whole(name: string, argument: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 0))
    throw new RangeError(`${name}: ${argument} ${value} must be an integer of at least 0`);
}
