/** Attacks that ask a classifier for answers only, and need no gradient. */
import type { Random } from "../random.ts";

export interface SquareAttackOptions {
  /** Largest change of a pixel. */
  radius: number;
  /** Pixels a side of the square images. */
  side: number;
  /** Decides where squares go. */
  random: Random;
  /** Queries. Default: 100. */
  iterations?: number;
  /** What pixels may be. Default: [0, 1]. */
  range?: readonly [low: number, high: number];
}

/**
 * Square attack in an ℓ∞ ball: starts from vertical stripes of ± radius, then tries squares of one sign,
 * ever smaller ones, and keeps those that lower the margin.
 *
 * Source: Andriushchenko et al., "Square Attack: a Query-efficient Black-box Adversarial Attack via Random
 * Search" (2020), algorithms 1 and 2, with their schedule of sizes stretched over the queries.
 *
 * @param margins Leads of the true class over the best other one, [n], of images [n, side²].
 * @param images [n, side²]
 * @returns Attacked images [n, side²], and their margins [n].
 */
export async function squareAttack(
  margins: (images: Float32Array) => Promise<ArrayLike<number>>,
  images: Float32Array,
  { radius, side, random, iterations = 100, range = [0, 1] }: SquareAttackOptions,
): Promise<{ images: Float32Array; margins: Float32Array }> {
  const pixels = side * side;
  if (!(Number.isInteger(side) && side >= 1 && images.length % pixels === 0))
    throw new RangeError(`squareAttack: ${images.length} values are no images of side ${side}`);
  if (!(radius >= 0))
    throw new RangeError(`squareAttack: radius is ${radius}; expected a number of at least 0`);
  const [low, high] = range;
  const n = images.length / pixels;
  const moved = (at: number, sign: number) => Math.min(high, Math.max(low, images[at]! + sign * radius));
  const best = new Float32Array(images.length);
  for (let image = 0; image < n; image++)
    for (let column = 0; column < side; column++) {
      const sign = random.next() < 0.5 ? -1 : 1;
      for (let row = 0; row < side; row++) {
        const at = image * pixels + row * side + column;
        best[at] = moved(at, sign);
      }
    }
  const lowest = Float32Array.from(await margins(best));
  for (let iteration = 0; iteration < iterations; iteration++) {
    const size = Math.max(1, Math.round(side * Math.sqrt(share(iteration / iterations))));
    const tried = best.slice();
    for (let image = 0; image < n; image++) {
      // Examples that are lost already need no further square.
      if (lowest[image]! < 0) continue;
      const [top, left] = [random.integer(0, side - size + 1), random.integer(0, side - size + 1)];
      const sign = random.next() < 0.5 ? -1 : 1;
      for (let row = top; row < top + size; row++)
        for (let column = left; column < left + size; column++) {
          const at = image * pixels + row * side + column;
          tried[at] = moved(at, sign);
        }
    }
    const found = await margins(tried);
    for (let image = 0; image < n; image++) {
      if (!(found[image]! < lowest[image]!)) continue;
      lowest[image] = found[image]!;
      const [from, to] = [image * pixels, (image + 1) * pixels];
      best.set(tried.subarray(from, to), from);
    }
  }
  return { images: best, margins: lowest };
}

/** Share of the image that a square covers: 0.8, halved at these parts of the queries. */
function share(done: number): number {
  const halvings = [0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8].filter((at) => done >= at).length;
  return 0.8 / 2 ** halvings;
}
