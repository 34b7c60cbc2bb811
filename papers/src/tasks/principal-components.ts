/** Pairs of classes as a few principal components, small enough for classical estimators. */
import { fromData, values } from "nearmiss";
import { mnist, spamAssassin, split, supersenses, take } from "nearmiss/data";
import { eigh } from "nearmiss/linalg";
import { random } from "nearmiss/random";
import { denseBag, hashedBag } from "nearmiss/text";
import { remember } from "../remember.ts";

export interface ComponentExamples {
  /** [n, width] row by row: standardised components, cut off at ±2. */
  x: Float64Array;
  /** 0 or 1, [n] */
  labels: Int32Array;
}

export interface ComponentTask {
  width: number;
  train: ComponentExamples;
  test: ComponentExamples;
}

export interface ComponentSize {
  train: number;
  test: number;
  /** Number of components. */
  width: number;
  seed: number;
}

interface Pool {
  /** [n, inputs] */
  x: Float32Array;
  inputs: number;
  labels: Int32Array;
}

/** Threes (0) and fives (1) of 7 × 7 pixels. */
const threesAndFives = remember((): Pool => {
  const { images, labels } = mnist({ train: 10_000, test: 0, size: 14 }).train;
  const chosen = Array.from(labels.keys()).filter((i) => labels[i] === 3 || labels[i] === 5);
  const x = Float32Array.from({ length: chosen.length * 49 }, (_, at) => {
    const pixel = at % 49;
    const corner = chosen[Math.floor(at / 49)]! * 196 + Math.floor(pixel / 7) * 28 + (pixel % 7) * 2;
    return [0, 1, 14, 15].reduce((sum, step) => sum + images[corner + step]! / 4, 0);
  });
  return { x, inputs: 49, labels: Int32Array.from(chosen, (i) => Number(labels[i] === 5)) };
});

const BUCKETS = 128;

function bagPool(texts: readonly string[], labels: Int32Array): Pool {
  const x = new Float32Array(texts.length * BUCKETS);
  for (const [i, text] of texts.entries())
    x.set(
      denseBag(hashedBag(text, BUCKETS), BUCKETS).map((count) => Math.log1p(count)),
      i * BUCKETS,
    );
  return { x, inputs: BUCKETS, labels };
}

/** Mail (0) and spam (1), from words of subject and body. */
const mails = remember((): Pool => {
  const all = spamAssassin();
  return bagPool(
    all.map(({ subject, body }) => `${subject}\n${body.slice(0, 2000)}`),
    Int32Array.from(all, ({ spam }) => Number(spam)),
  );
});

/** Definitions of animals (0) and of plants (1). */
const animalsAndPlants = remember((): Pool => {
  const { classes, train } = supersenses({ train: 40_000, test: 0 });
  const [animal, plant] = ["noun.animal", "noun.plant"].map((name) => classes.indexOf(name));
  const chosen = Array.from(train.labels.keys())
    .filter((i) => train.labels[i] === animal || train.labels[i] === plant)
    .slice(0, 6000);
  return bagPool(
    take(train.texts, chosen),
    Int32Array.from(chosen, (i) => Number(train.labels[i] === plant)),
  );
});

const pools = { digits: threesAndFives, emails: mails, definitions: animalsAndPlants };

export const componentTaskNames = Object.keys(pools) as (keyof typeof pools)[];

/** One of the tasks, with components found on its training rows. */
export const componentTask = remember(
  (name: keyof typeof pools, { train, test, width, seed }: ComponentSize): ComponentTask => {
    const { x, inputs, labels } = pools[name]();
    const [trainRows, testRows] = split(labels.length, {
      sizes: [train, test],
      random: random(seed).split(name),
      labels,
    }) as [Int32Array, Int32Array];
    const project = principalComponents(take(x, trainRows, inputs), inputs, width);
    const part = (rows: Int32Array): ComponentExamples => ({
      x: project(take(x, rows, inputs)),
      labels: take(labels, rows),
    });
    return { width, train: part(trainRows), test: part(testRows) };
  },
  12,
);

/** Projects rows onto the first components of the given ones, in units of their standard deviations. */
function principalComponents(x: Float32Array, inputs: number, width: number) {
  const rows = x.length / inputs;
  const means = new Float64Array(inputs);
  for (let at = 0; at < x.length; at++) means[at % inputs]! += x[at]! / rows;
  const covariance = new Float64Array(inputs * inputs);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < inputs; j++) {
      const a = (x[i * inputs + j]! - means[j]!) / rows;
      for (let k = 0; k < inputs; k++) covariance[j * inputs + k]! += a * (x[i * inputs + k]! - means[k]!);
    }
  const { values: spectrum, vectors } = eigh(fromData(covariance, [inputs, inputs]));
  const [variances, directions] = [values(spectrum), values(vectors)];
  return (some: Float32Array): Float64Array =>
    Float64Array.from({ length: (some.length / inputs) * width }, (_, at) => {
      const [i, c] = [Math.floor(at / width), inputs - 1 - (at % width)];
      let sum = 0;
      for (let j = 0; j < inputs; j++)
        sum += (some[i * inputs + j]! - means[j]!) * directions[j * inputs + c]!;
      return Math.min(2, Math.max(-2, sum / Math.sqrt(variances[c]!)));
    });
}
