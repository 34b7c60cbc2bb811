/** Tasks with ten to a hundred classes and few inputs, hard for a linear classifier. */
import { mnist, pronunciations, take } from "nearmiss/data";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";
import type { Examples, TaskSize } from "./classification.ts";

export interface ManyClasses {
  inputs: number;
  classes: number;
  train: Examples;
  validation: Examples;
  test: Examples;
}

const SIDE = 7;
const PIXELS = SIDE * SIDE;

/** Averages squares of four pixels: [n, 14 · 14] to [n, 7 · 7]. */
function halve(images: Float32Array): Float32Array {
  return Float32Array.from({ length: images.length / 4 }, (_, i) => {
    const [image, pixel] = [Math.floor(i / PIXELS), i % PIXELS];
    const at = image * 196 + Math.floor(pixel / SIDE) * 28 + (pixel % SIDE) * 2;
    return (images[at]! + images[at + 1]! + images[at + 14]! + images[at + 15]!) / 4;
  });
}

/** One digit of 7 × 7 pixels, 10 classes. */
export const digit = remember((size: TaskSize): ManyClasses => {
  const parts = mnist({ ...size, size: 14 });
  const examples = ({ images, labels }: { images: Float32Array; labels: Int32Array }): Examples => ({
    x: halve(images),
    labels,
  });
  return standardized({
    inputs: PIXELS,
    classes: 10,
    train: examples(parts.train),
    validation: examples(parts.validation),
    test: examples(parts.test),
  });
});

/** Two digits of 7 × 7 pixels side by side, 100 classes. Pairs are drawn within each part of the digits. */
export const twoDigits = remember((size: TaskSize): ManyClasses => {
  const parts = mnist({ train: 5000, validation: 2000, test: 3000, seed: size.seed, size: 14 });
  const draw = random(size.seed).split("two digits");
  const pairs = (digits: { images: Float32Array; labels: Int32Array }, n: number): Examples => {
    const pixels = halve(digits.images);
    const [left, right] = [0, 1].map(() =>
      Int32Array.from({ length: n }, () => draw.integer(0, digits.labels.length)),
    ) as [Int32Array, Int32Array];
    const x = new Float32Array(n * 2 * PIXELS);
    for (let i = 0; i < n; i++)
      for (const [at, image] of [left[i]!, right[i]!].entries())
        x.set(pixels.subarray(image * PIXELS, (image + 1) * PIXELS), (2 * i + at) * PIXELS);
    return { x, labels: left.map((image, i) => 10 * digits.labels[image]! + digits.labels[right[i]!]!) };
  };
  return standardized({
    inputs: 2 * PIXELS,
    classes: 100,
    train: pairs(parts.train, size.train),
    validation: pairs(parts.validation, size.validation),
    test: pairs(parts.test, size.test),
  });
});

const LETTERS = 26;
const LAST = 4;

/** The last phoneme of a word from its last four letters, about 39 classes. Each word is in one part only. */
export const lastPhoneme = remember((size: TaskSize): ManyClasses => {
  const words = pronunciations().filter(({ word }) => /^[a-z]{4,}$/.test(word));
  const endings = words.map(({ phonemes }) => phonemes.at(-1)!.replace(/\d/, ""));
  const names = [...new Set(endings)].sort();
  // Of several pronunciations of a word, the last one listed.
  const single = [...new Map(words.map(({ word }, i) => [word, i])).values()];
  const order = take(Int32Array.from(single), random(size.seed).split("phonemes").permutation(single.length));
  const part = (from: number, n: number): Examples => {
    const chosen = order.subarray(from, from + n);
    const x = new Float32Array(n * LAST * LETTERS);
    chosen.forEach((index, i) => {
      const { word } = words[index]!;
      for (let place = 0; place < LAST; place++) {
        const letter = word.charCodeAt(word.length - LAST + place) - 97;
        x[(i * LAST + place) * LETTERS + letter] = 1;
      }
    });
    return { x, labels: Int32Array.from(chosen, (index) => names.indexOf(endings[index]!)) };
  };
  const { train, validation, test } = size;
  return {
    inputs: LAST * LETTERS,
    classes: names.length,
    train: part(0, train),
    validation: part(train, validation),
    test: part(train + validation, test),
  };
});

/** The task with a share of the training labels replaced by others, each equally likely. */
export function withLabelNoise(task: ManyClasses, share: number, seed: number): ManyClasses {
  const draw = random(seed).split("label noise");
  const labels = task.train.labels.map((label) => {
    const [wrong, shift] = [draw.next() < share, draw.integer(1, task.classes)];
    return wrong ? (label + shift) % task.classes : label;
  });
  return { ...task, train: { x: task.train.x, labels } };
}

/** Inputs with mean 0 and deviation 1 on the training part; those that never vary become 0. */
function standardized(task: ManyClasses): ManyClasses {
  const { inputs, train } = task;
  const n = train.labels.length;
  const [sums, squares] = [new Float64Array(inputs), new Float64Array(inputs)];
  train.x.forEach((value, at) => {
    sums[at % inputs]! += value / n;
    squares[at % inputs]! += value ** 2 / n;
  });
  const deviations = squares.map((value, j) => Math.sqrt(Math.max(0, value - sums[j]! ** 2)));
  // Pixels that hardly ever hold ink would become huge where they do.
  const scaled = ({ x, labels }: Examples): Examples => ({
    x: x.map((value, at) => (value - sums[at % inputs]!) / Math.max(0.05, deviations[at % inputs]!)),
    labels,
  });
  return { ...task, train: scaled(train), validation: scaled(task.validation), test: scaled(task.test) };
}
