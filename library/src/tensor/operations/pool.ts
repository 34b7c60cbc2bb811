/** Pooling of images [n, channels, height, width] over windows that do not overlap. */
import { describe, type Tensor } from "../tensor.ts";
import { max, mean } from "./reduce.ts";
import { reshape, slice } from "./shape.ts";

/** Cuts images into windows: [n, c, h / size, size, w / size, size]; what is left over at the far border is dropped. */
function windows(name: string, x: Tensor, size: number): Tensor {
  if (
    x.shape.length !== 4 ||
    !Number.isInteger(size) ||
    size < 1 ||
    x.shape[2]! < size ||
    x.shape[3]! < size
  ) {
    throw new RangeError(
      `${name}: windows of ${size} × ${size} do not fit ${describe(x)}; expected [n, c, h, w]`,
    );
  }
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const rows = Math.floor(h / size);
  const columns = Math.floor(w / size);
  const even = slice(x, [null, null, [0, rows * size], [0, columns * size]]);
  return reshape(even, [n, c, rows, size, columns, size]);
}

/** The largest value of each size × size window; equal ones share the gradient. */
export const maxPool2d = (x: Tensor, size = 2): Tensor =>
  max(windows("maxPool2d", x, size), { axis: [3, 5] });

/** The mean of each size × size window. */
export const averagePool2d = (x: Tensor, size = 2): Tensor =>
  mean(windows("averagePool2d", x, size), { axis: [3, 5] });
