/** What windows that slide over images see. Shared by convolution and pooling. */
import { describe, showShape, type Tensor } from "../tensor.ts";
import { pad, slice } from "./shape.ts";

/** How a window moves, for the vertical and the horizontal axis. */
export interface WindowAttributes extends Record<string, unknown> {
  strides: [number, number];
  /** Elements added on both sides of each axis. */
  pads: [number, number];
  dilations: [number, number];
}

type Pair = readonly [number, number];

/**
 * How many places a window has along an axis.
 *
 * @throws RangeError if it has none.
 */
export function places(
  operation: string,
  x: Tensor,
  axis: number,
  kernel: number,
  { stride, padding, dilation }: { stride: number; padding: number; dilation: number },
): number {
  const count = Math.floor((x.shape[axis]! + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  if (!(count >= 1)) {
    throw new RangeError(
      `${operation}: a window of ${kernel} with dilation ${dilation} does not fit axis ${axis} of ${describe(x)} ` +
        `with padding ${padding}`,
    );
  }
  return count;
}

/**
 * For each element of the window, top left to bottom right, what it sees in all places.
 *
 * @param x [n, channels, height, width]
 * @param fill What it sees in the padding.
 * @returns kernel height × kernel width tensors [n, channels, ...places]
 */
export function taps(
  x: Tensor,
  kernel: Pair,
  count: Pair,
  { strides, pads, dilations }: WindowAttributes,
  fill = 0,
): Tensor[] {
  const padded = pad(x, [[0, 0], [0, 0], ...pads.map((p): Pair => [p, p])], fill);
  const span = (tap: number, i: number) => {
    const start = tap * dilations[i]!;
    return [start, start + (count[i]! - 1) * strides[i]! + 1, strides[i]!] as const;
  };
  return Array.from({ length: kernel[0] * kernel[1] }, (_, k) =>
    slice(padded, [null, null, span(Math.floor(k / kernel[1]), 0), span(k % kernel[1], 1)]),
  );
}

/** Checks that options are whole numbers and not too small. */
export function requireWhole(operation: string, options: Record<string, number>, least = 1): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(`${operation}: ${name} is ${value}; expected a whole number, at least ${least}`);
    }
  }
}

/** Checks the number of axes. */
export function requireAxes(operation: string, argument: string, x: Tensor, axes: readonly string[]): void {
  if (x.shape.length !== axes.length) {
    throw new RangeError(
      `${operation}: ${argument} has shape ${showShape(x.shape)}; expected [${axes.join(", ")}]`,
    );
  }
}
