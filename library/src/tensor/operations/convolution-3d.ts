/**
 * Convolutions of volumes [n, channels, depth, height, width], written as convolutions of images: what the
 * window sees along the depth becomes channels, and the places along the depth become part of the batch.
 */
import { vjp } from "../gradient.ts";
import { describe, type Tensor } from "../tensor.ts";
import { conv2d } from "./convolution.ts";
import { concat, pad, reshape, slice, transpose, zeros } from "./shape.ts";
import { floats, requireType } from "./types.ts";
import { requireAxes, requireWhole } from "./windows.ts";

type Volume = [n: number, channels: number, depth: number, height: number, width: number];

export interface Conv3dOptions {
  /** Step of the window along height and width. Default: 1. */
  stride?: number;
  /** Step of the window along the depth. Default: `stride`. */
  depthStride?: number;
}

/**
 * A convolution with odd windows and zeros around the volume, so that with a stride of 1 it keeps its size:
 * [n, channels, depth, height, width] → [n, filters, ⌈depth / depthStride⌉, ⌈height / stride⌉, ⌈width / stride⌉].
 *
 * @param weight [filters, channels, window depth, side, side], of odd numbers
 * @throws RangeError for shapes that do not fit or an even window.
 */
export function conv3d(
  x: Tensor,
  weight: Tensor,
  { stride = 1, depthStride = stride }: Conv3dOptions = {},
): Tensor {
  requireOperands("conv3d", x, weight, 1);
  requireWhole("conv3d", { stride, depthStride });
  const [n, channels, depth, height, width] = x.shape as Volume;
  const [filters, , window, side] = weight.shape as Volume;
  const places = Math.ceil(depth / depthStride);
  const reach = (window - 1) / 2;
  const padded = pad(x, [
    [0, 0],
    [0, 0],
    [reach, reach],
    [0, 0],
    [0, 0],
  ]);
  const seen = Array.from({ length: window }, (_, tap) =>
    slice(padded, [null, null, [tap, tap + (places - 1) * depthStride + 1, depthStride]]),
  );
  const images = reshape(transpose(concat(seen, 1), [0, 2, 1, 3, 4]), [
    n * places,
    window * channels,
    height,
    width,
  ]);
  const kernel = reshape(transpose(weight, [0, 2, 1, 3, 4]), [filters, window * channels, side, side]);
  const y = conv2d(images, kernel, { stride, padding: (side - 1) / 2 });
  return transpose(reshape(y, [n, places, filters, ...y.shape.slice(2)]), [0, 2, 1, 3, 4]);
}

/**
 * The transpose of `conv3d`, which makes volumes larger:
 * [n, filters, depth, height, width] → [n, channels, depth · depthStride, height · stride, width · stride].
 *
 * @param weight [filters, channels, window depth, side, side], as of the convolution that it transposes
 */
export function convTranspose3d(
  y: Tensor,
  weight: Tensor,
  { stride = 1, depthStride = stride }: Conv3dOptions = {},
): Tensor {
  requireOperands("convTranspose3d", y, weight, 0);
  requireWhole("convTranspose3d", { stride, depthStride });
  const [n, , depth, height, width] = y.shape as Volume;
  const shape = [n, weight.shape[1]!, depth * depthStride, height * stride, width * stride];
  // A linear map has the same transpose everywhere.
  const anywhere = zeros(shape, y.dtype);
  const [, transposed] = vjp((x) => conv3d(x, weight, { stride, depthStride }), anywhere);
  return transposed(y);
}

/** @param axis of the weight that has to be as long as the input has channels */
function requireOperands(name: string, x: Tensor, weight: Tensor, axis: 0 | 1): void {
  requireType(name, floats, x);
  requireAxes(name, "input", x, ["n", "channels", "depth", "height", "width"]);
  const [window, side, other] = weight.shape.slice(2) as [number, number, number];
  if (weight.shape.length !== 5 || window % 2 !== 1 || side % 2 !== 1 || side !== other)
    throw new RangeError(
      `${name}: weight is ${describe(weight)}; expected [filters, channels, depth, side, side] with odd windows`,
    );
  if (weight.shape[axis] !== x.shape[1] || weight.dtype !== x.dtype)
    throw new RangeError(
      `${name}: weight is ${describe(weight)}; expected ${x.shape[1]} on axis ${axis} and ${x.dtype}, as ${describe(x)}`,
    );
}
