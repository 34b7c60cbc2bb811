/** Handwritten digits of which some are rare, and images that are no digits. */
import { exponentialImbalance, mnist, sampleByClass, take } from "nearmiss/data";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";
import type { Examples, Task } from "./classification.ts";

export interface LongTailSize {
  /** Examples of the most frequent class. */
  largest: number;
  /** Of the most frequent class's size to the rarest one's; 1 for balanced data. */
  ratio: number;
  validation: number;
  test: number;
  /** Pixels a side. */
  side: 28 | 14;
  seed: number;
}

/**
 * Digits in classes that are sorted from frequent to rare; which digit is which class is drawn by the
 * seed. Validation and test hold all classes alike.
 */
export const longTailedDigits = remember(
  ({ largest, ratio, validation, test, side, seed }: LongTailSize): Task & { counts: number[] } => {
    const counts = exponentialImbalance({ classes: 10, largest, ratio });
    const parts = mnist({ train: 10_000 - validation - test, validation, test, seed, size: side });
    const root = random(seed).split("long tail");
    const classOf = root.split("classes").permutation(10);
    const examples = ({ images, labels }: (typeof parts)["train"]): Examples => ({
      x: images,
      labels: labels.map((digit) => classOf[digit]!),
    });
    const pool = examples(parts.train);
    const chosen = sampleByClass(pool.labels, counts, root.split("sample"));
    return {
      inputs: side * side,
      classes: 10,
      hidden: [128, 64],
      counts,
      train: { x: take(pool.x, chosen, side * side), labels: take(pool.labels, chosen) },
      validation: examples(parts.validation),
      test: examples(parts.test),
    };
  },
);

/** The images, each cut into patches of a quarter of its side, which change places: same ink, no digits. */
export function shuffledPatches(images: Float32Array, side: number, seed: number): Float32Array {
  const patch = side / 4;
  const draw = random(seed).split("patches");
  const out = new Float32Array(images.length);
  for (let start = 0; start < images.length; start += side * side) {
    const places = draw.permutation(16);
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const from = places[Math.floor(row / patch) * 4 + Math.floor(column / patch)]!;
        const fromRow = Math.floor(from / 4) * patch + (row % patch);
        const fromColumn = (from % 4) * patch + (column % patch);
        out[start + row * side + column] = images[start + fromRow * side + fromColumn]!;
      }
    }
  }
  return out;
}

/** The negatives of the images, turned by a quarter. */
export function turnedNegatives(images: Float32Array, side: number): Float32Array {
  return images.map((_, i) => {
    const [image, row, column] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
    return 1 - images[image! * side * side + column! * side + (side - 1 - row!)]!;
  });
}
