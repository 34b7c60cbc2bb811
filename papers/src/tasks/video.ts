/** Short clips of moving drawings, what cameras do to them, and a small recurrent network that makes them larger. */
import {
  add,
  concat,
  conv2d,
  fromData,
  multiply,
  relu,
  reshape,
  slice,
  stack,
  type Tensor,
  transpose,
  upsample2d,
  zeros,
} from "nearmiss";
import type { Clip } from "nearmiss/data";
import { type Conv, conv, zeroFill } from "nearmiss/nn";
import { poisson, type Random } from "nearmiss/random";
import { deadLeaves } from "./dead-leaves.ts";

/** Pixels a side of the large frames; the small ones have half of it. */
export const LARGE = 32;
export const SMALL = LARGE / 2;
export const FRAMES = 3;

/** Large frames: a window that moves over discs, some of which are striped. */
export function drawClip(random: Random): Clip {
  const side = 2 * LARGE;
  const canvas = deadLeaves(1, side, random.split("leaves"));
  const [low, high] = [0.5, 0.7];
  const [angle, wave] = [random.next() * Math.PI, 4 + 4 * random.next()];
  const [across, down] = [Math.cos(angle) / wave, Math.sin(angle) / wave].map((f) => 2 * Math.PI * f);
  for (let at = 0; at < canvas.length; at++) {
    const [row, column] = [Math.floor(at / side), at % side];
    // Stripes where the grey is of a middle tone.
    if (canvas[at]! > low && canvas[at]! < high)
      canvas[at]! += 0.2 * Math.sin(column * across! + row * down!);
  }
  const start = [0, 1].map(() => 6 + random.next() * (LARGE - 12));
  const speed = [0, 1].map(() => 3 * random.next() - 1.5);
  const pixels = new Float32Array(FRAMES * LARGE * LARGE);
  for (let frame = 0; frame < FRAMES; frame++) {
    const [top, left] = start.map((s, i) => s + frame * speed[i]!) as [number, number];
    for (let row = 0; row < LARGE; row++)
      for (let column = 0; column < LARGE; column++)
        pixels[(frame * LARGE + row) * LARGE + column] = between(canvas, side, top + row, left + column);
  }
  return { frames: FRAMES, height: LARGE, width: LARGE, pixels };
}

/** A pixel between pixels, bilinear. */
function between(image: Float32Array, side: number, row: number, column: number): number {
  const [i, j] = [Math.floor(row), Math.floor(column)];
  const [v, u] = [row - i, column - j];
  const at = (a: number, b: number) => image[Math.min(a, side - 1) * side + Math.min(b, side - 1)]!;
  return (
    (1 - v) * ((1 - u) * at(i, j) + u * at(i, j + 1)) + v * ((1 - u) * at(i + 1, j) + u * at(i + 1, j + 1))
  );
}

/** Blurs by a Gaussian and takes means of two by two pixels. */
export function shrink(clip: Clip, blur: number): Clip {
  const { frames, height, width } = clip;
  const soft = smooth(clip, blur);
  const [rows, columns] = [height / 2, width / 2];
  const pixels = new Float32Array(frames * rows * columns);
  for (let at = 0; at < pixels.length; at++) {
    const corner = 2 * Math.floor(at / columns) * width + 2 * (at % columns);
    pixels[at] = (soft[corner]! + soft[corner + 1]! + soft[corner + width]! + soft[corner + width + 1]!) / 4;
  }
  return { frames, height: rows, width: columns, pixels };
}

/** Each frame under a Gaussian window, borders repeated. */
function smooth({ height, width, pixels }: Clip, deviation: number): Float32Array {
  const reach = Math.ceil(2 * deviation);
  const window = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-(((i - reach) / deviation) ** 2) / 2),
  );
  const total = window.reduce((a, b) => a + b, 0);
  const pass = (from: ArrayLike<number>, down: boolean) =>
    Float32Array.from({ length: from.length }, (_, at) => {
      const [frame, row, column] = [
        Math.floor(at / (height * width)),
        Math.floor(at / width) % height,
        at % width,
      ];
      let sum = 0;
      for (let i = -reach; i <= reach; i++) {
        const [r, c] = [
          Math.min(Math.max(row + (down ? i : 0), 0), height - 1),
          Math.min(Math.max(column + (down ? 0 : i), 0), width - 1),
        ];
        sum += window[i + reach]! * from[(frame * height + r) * width + c]!;
      }
      return sum / total;
    });
  return pass(pass(pixels, true), false);
}

/** White noise under a Gaussian window, of deviation 1. */
function softNoise(clip: Clip, deviation: number, random: Random): Float32Array {
  const pixels = random.normal(clip.pixels.length);
  const soft = smooth({ ...clip, pixels }, deviation);
  const power = Math.sqrt(soft.reduce((sum, x) => sum + x * x, 0) / soft.length);
  return soft.map((x) => x / power);
}

/** What a camera adds to small frames; the level is the noise's deviation at middle grey. */
export type Noise = (clip: Clip, level: number, random: Random) => Float32Array;

const noisy = (clip: Clip, change: (grey: number, at: number) => number) =>
  Float32Array.from(clip.pixels, (grey, at) => Math.min(Math.max(change(grey, at), 0), 1));

export const noises = {
  /** What networks are trained with by default: white and the same for all greys. */
  white: (clip, level, random) => {
    const noise = random.normal(clip.pixels.length);
    return noisy(clip, (grey, at) => grey + level * noise[at]!);
  },
  /** Of the footage that noise is taken from: soft, stronger where it is bright, in bands, in 64 greys. */
  footage: (clip, level, random) => {
    const noise = softNoise(clip, 0.6, random.split("noise"));
    const bands = random.split("bands").normal(clip.frames * clip.height);
    return noisy(clip, (grey, at) => {
      const spoiled = grey + level * ((0.5 + grey) * noise[at]! + 0.4 * bands[Math.floor(at / clip.width)]!);
      return Math.round(spoiled * 64) / 64;
    });
  },
  /** Softer noise than that of the footage. */
  blotches: (clip, level, random) => {
    const noise = softNoise(clip, 1.2, random);
    return noisy(clip, (grey, at) => grey + level * noise[at]!);
  },
  /** Counts of photons, so that their noise grows with the square root of the grey. */
  photons: (clip, level, random) => {
    const quantum = 2 * level ** 2;
    return noisy(clip, (grey) => quantum * poisson(random, Math.max(grey, 0) / quantum));
  },
  /** Columns that are too bright or too dark, others in each frame. */
  stripes: (clip, level, random) => {
    const columns = random.normal(clip.frames * clip.width);
    const frameOf = (at: number) => Math.floor(at / (clip.height * clip.width));
    return noisy(clip, (grey, at) => grey + level * columns[frameOf(at) * clip.width + (at % clip.width)]!);
  },
} satisfies Record<string, Noise>;

export interface Upscaler {
  first: Conv;
  second: Conv;
  last: Conv;
}

/**
 * A recurrent network that doubles the sides of frames. Its hidden state sees each frame in turn; what it puts out is
 * added to another small clip that is enlarged as it is, by default the same.
 */
export function upscaler(channels: number) {
  const first = conv(1 + channels, channels);
  const second = conv(channels, channels);
  // Starts at 0, so that a new network enlarges as it is.
  const last = conv(channels, 4, { weight: zeroFill });
  return {
    init: (random: Random): Upscaler => ({
      first: first.init(random.split("first")),
      second: second.init(random.split("second")),
      last: last.init(random.split("last")),
    }),
    /** [n, frames, side, side] → [n, frames, 2 side, 2 side] */
    apply: (params: Upscaler, clips: Tensor, enlarged: Tensor = clips): Tensor => {
      const [n, frames, side] = clips.shape as [number, number, number, number];
      let hidden = zeros([n, channels, side, side], clips.dtype);
      const outputs: Tensor[] = [];
      for (let t = 0; t < frames; t++) {
        const frame = (of: Tensor) => slice(of, [null, [t, t + 1]]);
        const seen = relu(first.apply(params.first, concat([frame(clips), hidden], 1)));
        hidden = relu(add(seen, second.apply(params.second, seen)));
        const parts = reshape(last.apply(params.last, hidden), [n, 2, 2, side, side]);
        const detail = reshape(transpose(parts, [0, 3, 1, 4, 2]), [n, 2 * side, 2 * side]);
        const whole = reshape(enlarge(frame(enlarged)), [n, 2 * side, 2 * side]);
        outputs.push(add(whole, multiply(detail, 0.1)));
      }
      return stack(outputs, 1);
    },
  };
}

/** Twice the sides, each pixel a mean of its neighbours in the ratio 3 to 1: [n, 1, side, side]. */
function enlarge(x: Tensor): Tensor {
  const repeated = upsample2d(x, 2);
  const [, , rows, columns] = repeated.shape as [number, number, number, number];
  const border = (axis: number, from: number) =>
    slice(repeated, axis === 2 ? [null, null, [from, from + 1]] : [null, null, null, [from, from + 1]]);
  const framed = concat([border(2, 0), repeated, border(2, rows - 1)], 2);
  const wide = concat(
    [
      slice(framed, [null, null, null, [0, 1]]),
      framed,
      slice(framed, [null, null, null, [columns - 1, columns]]),
    ],
    3,
  );
  return conv2d(wide, WINDOW);
}

const WINDOW = fromData(
  Float32Array.of(1, 2, 1, 2, 4, 2, 1, 2, 1).map((w) => w / 16),
  [1, 1, 3, 3],
);
