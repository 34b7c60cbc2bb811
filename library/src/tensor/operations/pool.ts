/** Pooling of images [n, channels, height, width], and its opposite. */
import { expression, fromData, type Operation, type Tensor } from "../tensor.ts";
import { withinFirstAxis } from "./batch.ts";
import { cast, divide, equal, multiply } from "./elementwise.ts";
import { max, mean, sum } from "./reduce.ts";
import { broadcastTo, reshape, slice, stack } from "./shape.ts";
import { floats, requireType } from "./types.ts";
import { places, requireAxes, requireWhole, taps, type WindowAttributes } from "./windows.ts";

export interface PoolOptions {
  /** Step of the window. Default: its size, so that windows do not overlap. */
  stride?: number;
  /** Places added on every side, at most half of the size. They hold no values. Default: 0. */
  padding?: number;
}

const imageAxes = ["n", "channels", "height", "width"];

/** Checks arguments and counts the window's places. */
function prepare(name: string, x: Tensor, size: number, { stride = size, padding = 0 }: PoolOptions) {
  requireType(name, floats, x);
  requireAxes(name, "x", x, imageAxes);
  requireWhole(name, { size, stride });
  requireWhole(name, { padding }, 0);
  if (padding > size / 2) {
    throw new RangeError(`${name}: padding is ${padding}; expected at most half of the size ${size}`);
  }
  const along = (axis: number) => places(name, x, axis, size, { stride, padding, dilation: 1 });
  const count: [number, number] = [along(2), along(3)];
  return { stride, padding, count, isTiling: stride === size && padding === 0 };
}

/** What the window sees in all places: [n, channels, size², rows, columns]. */
function windows(
  x: Tensor,
  size: number,
  { stride, padding, count }: ReturnType<typeof prepare>,
  fill: number,
) {
  const attributes: WindowAttributes = {
    strides: [stride, stride],
    pads: [padding, padding],
    dilations: [1, 1],
  };
  return stack(taps(x, [size, size], count, attributes, fill), 2);
}

/** Cuts off what whole tiles leave over at the far borders. */
const wholeTiles = (x: Tensor, size: number, [rows, columns]: readonly [number, number]) =>
  slice(x, [null, null, [0, rows * size], [0, columns * size]]);

/** Tiles as axes of their own: [n, channels, rows, size, columns, size]. */
function tiles(x: Tensor, size: number): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return reshape(x, [n, c, h / size, size, w / size, size]);
}

const tileShape = ([n, c, h, w]: readonly number[], factor: number) => [n!, c!, h! * factor, w! * factor];
const kernel = (node: Tensor) => {
  const size = node.attributes.size as number;
  return { kernel_shape: [size, size], strides: [size, size] };
};

const maxTilesOperation: Operation = {
  name: "maxPool2d",
  emit: (graph, inputs, node) => graph.node("MaxPool", inputs, kernel(node)),
  vjp: (g, node) => {
    const x = node.inputs[0]!;
    const size = node.attributes.size as number;
    const hit = cast(equal(x, upsample2d(node, size)), x.dtype);
    // The cotangent is shared by those that are largest.
    const count = multiply(averageTiles(hit, size), size * size);
    return [multiply(hit, upsample2d(divide(g, count), size))];
  },
  batch: withinFirstAxis,
};

const averageTilesOperation: Operation = {
  name: "averagePool2d",
  emit: (graph, inputs, node) => graph.node("AveragePool", inputs, kernel(node)),
  vjp: (g, node) => {
    const size = node.attributes.size as number;
    return [upsample2d(multiply(g, 1 / (size * size)), size)];
  },
  batch: withinFirstAxis,
};

/** The mean of each tile. The engine's kernel is for float32 only. */
function averageTiles(x: Tensor, size: number): Tensor {
  if (x.dtype === "float64") return mean(tiles(x, size), { axis: [3, 5] });
  return expression(averageTilesOperation, [x], tileShape(x.shape, 1 / size), x.dtype, { size });
}

const upsampleOperation: Operation = {
  name: "upsample2d",
  // Broadcasting to [.., h, factor, w, factor] would copy runs of `factor` elements one by one.
  emit: (graph, [x], node) => {
    const factor = node.attributes.factor as number;
    const scales = graph.constant(Float32Array.of(1, 1, factor, factor), [4], "float32");
    return graph.node("Resize", [x!, "", scales], {
      mode: "nearest",
      nearest_mode: "floor",
      coordinate_transformation_mode: "asymmetric",
    });
  },
  vjp: (g, node) => {
    const factor = node.attributes.factor as number;
    return [multiply(averageTiles(g, factor), factor * factor)];
  },
  batch: withinFirstAxis,
};

/**
 * Repeats every element factor × factor times: [n, channels, h, w] → [n, channels, factor·h, factor·w].
 *
 * @throws RangeError unless x has four axes and the factor is a whole number from 1.
 */
export function upsample2d(x: Tensor, factor = 2): Tensor {
  requireType("upsample2d", floats, x);
  requireAxes("upsample2d", "x", x, imageAxes);
  requireWhole("upsample2d", { factor });
  if (factor === 1) return x;
  const shape = tileShape(x.shape, factor);
  if (x.dtype === "float32") return expression(upsampleOperation, [x], shape, x.dtype, { factor });
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return reshape(broadcastTo(reshape(x, [n, c, h, 1, w, 1]), [n, c, h, factor, w, factor]), shape);
}

/**
 * The largest value in each place of a size × size window; equal ones share the gradient.
 *
 * @param x float [n, channels, height, width]
 * @returns [n, channels, ⌊(height + 2·padding − size) / stride⌋ + 1, …]; what the last window does not
 *   reach is left out.
 * @throws RangeError if the window does not fit or an option is out of range.
 */
export function maxPool2d(x: Tensor, size = 2, options: PoolOptions = {}): Tensor {
  const window = prepare("maxPool2d", x, size, options);
  if (!window.isTiling) return max(windows(x, size, window, Number.NEGATIVE_INFINITY), { axis: 2 });
  const even = wholeTiles(x, size, window.count);
  return expression(maxTilesOperation, [even], tileShape(even.shape, 1 / size), x.dtype, { size });
}

/**
 * The mean in each place of a size × size window, over what lies within the image.
 *
 * @param x float [n, channels, height, width]
 * @returns [n, channels, ⌊(height + 2·padding − size) / stride⌋ + 1, …]; what the last window does not
 *   reach is left out.
 * @throws RangeError if the window does not fit or an option is out of range.
 */
export function averagePool2d(x: Tensor, size = 2, options: PoolOptions = {}): Tensor {
  const window = prepare("averagePool2d", x, size, options);
  if (window.isTiling) return averageTiles(wholeTiles(x, size, window.count), size);
  const { stride, padding, count } = window;
  const within = (place: number, length: number) => {
    const start = place * stride - padding;
    return Math.min(start + size, length) - Math.max(start, 0);
  };
  const [rows, columns] = count;
  const shares = Array.from(
    { length: rows * columns },
    (_, i) => 1 / (within(Math.floor(i / columns), x.shape[2]!) * within(i % columns, x.shape[3]!)),
  );
  const data = x.dtype === "float64" ? Float64Array.from(shares) : Float32Array.from(shares);
  return multiply(sum(windows(x, size, window, 0), { axis: 2 }), fromData(data, count));
}
