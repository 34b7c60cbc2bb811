/** Two classes that a plane through the origin separates: one made to be hard, others from digits. */
import { mnist } from "nearmiss/data";
import { type Random, random } from "nearmiss/random";

export interface SeparablePoints {
  /** [n, features] */
  x: Float64Array;
  /** [n], each 1 or −1 */
  signs: Int8Array;
}

/**
 * One point near (½, −1) with the sign 1 against n − 1 points near (−½, −1) with the sign −1: the batch
 * perceptron needs about 0.3 n steps for it. Without noise, R² = 1.25 and the margin is ½.
 *
 * @param noise Standard deviation of the points' coordinates around these places.
 */
export function outnumbered(n: number, noise: number, random: Random): SeparablePoints {
  const x = random.normal(new Float64Array(2 * n), 0, noise);
  const signs = new Int8Array(n).fill(-1);
  signs[0] = 1;
  for (let i = 0; i < n; i++) {
    x[2 * i]! += signs[i]! / 2;
    x[2 * i + 1]! -= 1;
  }
  return { x, signs };
}

/**
 * Images of two digits as random ReLU features, relu(W z) with W normal and z the pixels, and a constant feature;
 * all scaled so that the longest row has length 1.
 *
 * @param options.minority Share of the images that show the first digit.
 */
export function digitPair(options: {
  digits: readonly [number, number];
  count: number;
  minority: number;
  features: number;
  seed: number;
}): SeparablePoints {
  const { digits, count, minority, features, seed } = options;
  const { images, labels } = mnist({ train: 10_000, test: 0, seed }).train;
  const first = Math.round(count * minority);
  const rows = digits.flatMap((digit, k) =>
    [...labels.keys()].filter((i) => labels[i] === digit).slice(0, k === 0 ? first : count - first),
  );
  const map = random(seed)
    .split("features")
    .normal(new Float64Array(784 * features), 0, 1 / 28);
  const width = features + 1;
  const x = new Float64Array(count * width);
  let longest = 0;
  rows.forEach((row, i) => {
    const out = x.subarray(i * width, (i + 1) * width);
    for (let p = 0; p < 784; p++) {
      const ink = images[row * 784 + p]!;
      if (ink === 0) continue;
      for (let j = 0; j < features; j++) out[j]! += ink * map[p * features + j]!;
    }
    let squares = 1;
    for (let j = 0; j < features; j++) {
      out[j] = Math.max(0, out[j]!);
      squares += out[j]! ** 2;
    }
    out[features] = 1;
    longest = Math.max(longest, Math.sqrt(squares));
  });
  return {
    x: x.map((value) => value / longest),
    signs: Int8Array.from(rows, (_, i) => (i < first ? 1 : -1)),
  };
}
