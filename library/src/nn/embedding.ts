/** Vectors for tokens and for positions. */
import { fromData, gather, type Tensor } from "../tensor/index.ts";
import { type Initializer, normal } from "./initializers.ts";
import { type Layer, requireCount } from "./layer.ts";

/**
 * A table of vectors [rows, width]: int32 positions of any shape → that shape with a new last axis of `width`.
 *
 * @param options.table How the vectors start. Default: normal with deviation 1 / √width, for lengths near 1.
 */
export function embedding(
  rows: number,
  width: number,
  { table: start = normal(1 / Math.sqrt(width)) }: { table?: Initializer } = {},
): Layer<Tensor> {
  requireCount("embedding", "rows", rows);
  requireCount("embedding", "width", width);
  return {
    init: (random) => start(random, [rows, width]),
    apply: (table, indices) => gather(table, indices),
  };
}

/**
 * Fixed vectors for positions: sin(t ω_i) in the even places, cos(t ω_i) in the odd ones, with
 * ω_i = 10000^(−2i / width) (Vaswani et al. 2017, section 3.5).
 *
 * @returns float32 [length, width], to be added to token vectors.
 * @throws RangeError for an odd width.
 */
export function sinusoidalPositions(length: number, width: number): Tensor {
  requireCount("sinusoidalPositions", "length", length);
  requireCount("sinusoidalPositions", "width", width);
  if (width % 2 !== 0)
    throw new RangeError(`sinusoidalPositions: width is ${width}; expected an even number`);
  const data = new Float32Array(length * width);
  for (let t = 0; t < length; t++) {
    for (let i = 0; i < width; i += 2) {
      const angle = t * 10000 ** (-i / width);
      data[t * width + i] = Math.sin(angle);
      data[t * width + i + 1] = Math.cos(angle);
    }
  }
  return fromData(data, [length, width]);
}
