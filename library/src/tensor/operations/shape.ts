/** Operations that move or repeat elements without changing them. */
import {
  broadcastShapes,
  describe,
  expression,
  fitsType,
  fromData,
  normalizeAxis,
  type Operation,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  type Tensor,
} from "../tensor.ts";
import { alongAxis, withRank } from "./batch.ts";
import { full } from "./elementwise.ts";
import { sumTo } from "./reduce.ts";

const reshapeOperation: Operation = {
  name: "reshape",
  emit: (graph, [x], node) => graph.node("Reshape", [x!, graph.integers(node.shape)], { allowzero: 1 }),
  vjp: (g, node) => [reshape(g, node.inputs[0]!.shape)],
  batch: ([x], { size }, node) => reshape(x!, [size, ...node.shape]),
};

/**
 * The same elements in another shape.
 *
 * @param shape One length may be −1: it is computed from the others.
 * @throws RangeError if the number of elements changes.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const size = sizeOf(x.shape);
  const known = shape.reduce((product, length) => (length === -1 ? product : product * length), 1);
  const target = shape.map((length) => (length === -1 ? size / known : length));
  if (
    shape.filter((length) => length === -1).length > 1 ||
    sizeOf(target) !== size ||
    !target.every(isLength)
  ) {
    throw new RangeError(
      `reshape: ${showShape(x.shape)} with ${size} elements does not fit into ${showShape(shape)}`,
    );
  }
  if (sameShape(target, x.shape)) return x;
  if (x.data) return fromData(x.data, target, x.dtype);
  if (x.operation === reshapeOperation) return reshape(x.inputs[0]!, target);
  return expression(reshapeOperation, [x], target, x.dtype);
}

/** What a reshaped tensor was before, else undefined. */
export const reshapeSource = (x: Tensor): Tensor | undefined =>
  x.operation === reshapeOperation ? x.inputs[0] : undefined;

const isLength = (length: number) => Number.isInteger(length) && length >= 0;

/** Inserts an axis of length 1 before the given one (−1: at the end). */
export function expandDims(x: Tensor, axis: number): Tensor {
  const a = axis < 0 ? axis + x.shape.length + 1 : axis;
  if (a < 0 || a > x.shape.length) throw new RangeError(`expandDims: no place ${axis} in ${describe(x)}`);
  return reshape(x, [...x.shape.slice(0, a), 1, ...x.shape.slice(a)]);
}

/**
 * Removes axes of length 1.
 *
 * @param axis Which; default: all of them.
 * @throws RangeError if a named axis is longer.
 */
export function squeeze(x: Tensor, axis?: number | readonly number[]): Tensor {
  if (axis === undefined)
    return reshape(
      x,
      x.shape.filter((length) => length !== 1),
    );
  const axes = [axis].flat().map((a) => normalizeAxis("squeeze", a as number, x.shape.length));
  for (const a of axes) {
    if (x.shape[a] !== 1)
      throw new RangeError(`squeeze: axis ${a} of ${describe(x)} has length ${x.shape[a]}, not 1`);
  }
  return reshape(
    x,
    x.shape.filter((_, a) => !axes.includes(a)),
  );
}

const transposeOperation: Operation = {
  name: "transpose",
  emit: (graph, [x], node) => graph.node("Transpose", [x!], { perm: node.attributes.axes as number[] }),
  vjp: (g, node) => {
    const axes = node.attributes.axes as number[];
    return [
      transpose(
        g,
        axes.map((_, a) => axes.indexOf(a)),
      ),
    ];
  },
  batch: ([x], _batch, node) => transpose(x!, [0, ...(node.attributes.axes as number[]).map((a) => a + 1)]),
};

/**
 * Reorders axes.
 *
 * @param axes Axis i of the result is axis axes[i] of x. Default: the last two swapped (a vector stays).
 */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  const rank = x.shape.length;
  if (axes === undefined && rank < 2) return x;
  const order = axes
    ? axes.map((a) => normalizeAxis("transpose", a, rank))
    : x.shape.map((_, a) => (a < rank - 2 ? a : a === rank - 2 ? rank - 1 : rank - 2));
  if (order.length !== rank || new Set(order).size !== rank) {
    throw new RangeError(`transpose: axes ${showShape(order)} must name each axis of ${describe(x)} once`);
  }
  if (order.every((a, i) => a === i)) return x;
  if (x.operation === transposeOperation) {
    const inner = x.attributes.axes as number[];
    return transpose(
      x.inputs[0]!,
      order.map((a) => inner[a]!),
    );
  }
  return expression(
    transposeOperation,
    [x],
    order.map((a) => x.shape[a]!),
    x.dtype,
    { axes: order },
  );
}

/** What is transposed in its last two axes only, else undefined: a product can read it as it lies. */
export function transposeSource(x: Tensor): Tensor | undefined {
  if (x.operation !== transposeOperation) return undefined;
  const axes = x.attributes.axes as number[];
  const rank = axes.length;
  const swapsLast =
    axes[rank - 1] === rank - 2 && axes[rank - 2] === rank - 1 && axes.slice(0, -2).every((a, i) => a === i);
  return swapsLast ? x.inputs[0] : undefined;
}

const broadcastOperation: Operation = {
  name: "broadcastTo",
  emit: (graph, [x], node) => graph.node("Expand", [x!, graph.integers(node.shape)]),
  vjp: (g, node) => [sumTo(g, node.inputs[0]!.shape)],
  batch: ([x], batch, node) =>
    broadcastTo(withRank(x!, 0, batch, node.shape.length), [batch.size, ...node.shape]),
};

/**
 * Repeats along axes of length 1 and along new leading axes.
 *
 * @throws RangeError if the shapes do not fit.
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes("broadcastTo", x.shape, shape), shape)) {
    throw new RangeError(`broadcastTo: ${describe(x)} does not broadcast to ${showShape(shape)}`);
  }
  const source = x.operation === broadcastOperation ? x.inputs[0]! : x;
  return expression(broadcastOperation, [source], shape, x.dtype);
}

/** What an expanded tensor was before, else undefined. */
export const expandSource = (x: Tensor): Tensor | undefined =>
  x.operation === broadcastOperation ? x.inputs[0] : undefined;

interface SliceAttributes extends Record<string, unknown> {
  starts: number[];
  stops: number[];
  steps: number[];
}

const sliceOperation: Operation = {
  name: "slice",
  emit: (graph, [x], node) => {
    const { starts, stops, steps } = node.attributes as SliceAttributes;
    const axes = starts
      .map((_, a) => a)
      .filter((a) => starts[a] !== 0 || stops[a] !== node.inputs[0]!.shape[a] || steps[a] !== 1);
    const pick = (list: number[]) => graph.integers(axes.map((a) => list[a]!));
    // A step back past the first element needs an end before it, which only a very negative number names.
    const ends = graph.integers(axes.map((a) => (stops[a]! < 0 ? -(2 ** 31) : stops[a]!)));
    return graph.node("Slice", [x!, pick(starts), ends, graph.integers(axes), pick(steps)]);
  },
  vjp: (g, node) => {
    const { starts, steps } = node.attributes as SliceAttributes;
    const x = node.inputs[0]!;
    let result = g;
    const backwards = steps.flatMap((step, a) => (step < 0 ? [a] : []));
    if (backwards.length > 0) result = flip(result, backwards);
    const first = starts.map((start, a) =>
      steps[a]! > 0 ? start : start + (node.shape[a]! - 1) * steps[a]!,
    );
    steps.forEach((step, a) => {
      if (Math.abs(step) > 1) result = spread(result, a, Math.abs(step));
    });
    const padding = x.shape.map((length, a): [number, number] => [
      first[a]!,
      length - first[a]! - result.shape[a]!,
    ]);
    return [pad(result, padding)];
  },
  batch: (inputs, { size }, node) => {
    const { starts, stops, steps } = node.attributes as SliceAttributes;
    const attributes = { starts: [0, ...starts], stops: [size, ...stops], steps: [1, ...steps] };
    return expression(sliceOperation, inputs, [size, ...node.shape], node.dtype, attributes);
  },
};

/** Puts step − 1 zeros between neighbours along an axis. */
function spread(x: Tensor, axis: number, step: number): Tensor {
  const withAxis = expandDims(x, axis + 1);
  const padding = withAxis.shape.map((_, a): [number, number] => (a === axis + 1 ? [0, step - 1] : [0, 0]));
  const shape = x.shape.map((length, a) => (a === axis ? length * step : length));
  const long = reshape(pad(withAxis, padding), shape);
  return slice(
    long,
    shape.map((length, a) => (a === axis ? [0, Math.max(0, length - step + 1)] : [0, length])),
  );
}

/**
 * `[start, stop]` or `[start, stop, step]`, a single position (which drops the axis), or null for all.
 * As negative positions count from the end, the stop that includes the first element when going
 * backwards is −Infinity.
 */
export type Range = readonly [number, number] | readonly [number, number, number] | number | null;

/**
 * A part of a tensor, axis by axis, as in Python: negative positions count from the end, ranges are
 * cut to the axis, a negative step walks backwards from start.
 *
 * @param ranges One for each axis; further axes are taken whole.
 * @throws RangeError for a position outside of the axis, a step of 0, or too many ranges.
 */
export function slice(x: Tensor, ranges: readonly Range[]): Tensor {
  if (ranges.length > x.shape.length) {
    throw new RangeError(`slice: ${ranges.length} ranges given for ${describe(x)}`);
  }
  const starts: number[] = [];
  const stops: number[] = [];
  const steps: number[] = [];
  const shape: number[] = [];
  const dropped: number[] = [];
  x.shape.forEach((length, a) => {
    const range = ranges[a] ?? null;
    if ([range ?? 0].flat().some((n) => !Number.isInteger(n) && Math.abs(n as number) !== Infinity)) {
      throw new RangeError(`slice: range ${JSON.stringify(range)} along axis ${a} must hold whole numbers`);
    }
    let [start, stop, step] = [0, length, 1];
    const wrap = (position: number) => (position < 0 ? position + length : position);
    if (typeof range === "number") {
      start = wrap(range);
      stop = start + 1;
      if (start < 0 || start >= length) {
        throw new RangeError(`slice: position ${range} lies outside of axis ${a} of ${describe(x)}`);
      }
      dropped.push(a);
    } else if (range !== null) {
      step = range[2] ?? 1;
      if (!Number.isInteger(step) || step === 0) {
        throw new RangeError(`slice: step ${step} along axis ${a} must be a whole number, not 0`);
      }
      // Going backwards, −1 stands for the place before the first element.
      const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
      const cut = (position: number) => Math.min(Math.max(wrap(position), low), high);
      [start, stop] = [cut(range[0]), cut(range[1])];
    }
    const count = Math.max(0, Math.ceil((stop - start) / step));
    if (count === 0) [start, stop, step] = [0, 0, 1];
    starts.push(start);
    stops.push(stop);
    steps.push(step);
    shape.push(count);
  });
  const whole = sameShape(shape, x.shape) && steps.every((step) => step === 1);
  const part = whole ? x : expression(sliceOperation, [x], shape, x.dtype, { starts, stops, steps });
  return dropped.length > 0 ? squeeze(part, dropped) : part;
}

/** Reverses the order along axes. */
export function flip(x: Tensor, axis: number | readonly number[]): Tensor {
  const axes = [axis].flat().map((a) => normalizeAxis("flip", a as number, x.shape.length));
  return slice(
    x,
    x.shape.map((length, a) => (axes.includes(a) ? [length - 1, -Infinity, -1] : [0, length])),
  );
}

const padOperation: Operation = {
  name: "pad",
  emit: (graph, [x], node) => {
    const { padding, value } = node.attributes as { padding: [number, number][]; value: number };
    const pads = graph.integers([...padding.map(([before]) => before), ...padding.map(([, after]) => after)]);
    return graph.node("Pad", [x!, pads, graph.scalar(value, node.dtype)], { mode: "constant" });
  },
  vjp: (g, node) => {
    const { padding } = node.attributes as { padding: [number, number][] };
    return [
      slice(
        g,
        padding.map(([before], a) => [before, before + node.inputs[0]!.shape[a]!]),
      ),
    ];
  },
  batch: ([x], _batch, node) => {
    const { padding, value } = node.attributes as { padding: [number, number][]; value: number };
    return pad(x!, [[0, 0], ...padding], value);
  },
};

/**
 * Adds constant elements around a tensor.
 *
 * @param padding For each axis how many before and after; none may be negative.
 * @param value What is added. Default: 0.
 */
export function pad(x: Tensor, padding: readonly (readonly [number, number])[], value = 0): Tensor {
  if (padding.length !== x.shape.length || padding.flat().some((n) => !isLength(n))) {
    throw new RangeError(
      `pad: padding ${JSON.stringify(padding)} must give two numbers ≥ 0 for each axis of ${describe(x)}`,
    );
  }
  if (!fitsType(value, x.dtype)) throw new TypeError(`pad: ${describe(x)} cannot hold the value ${value}`);
  if (padding.every(([before, after]) => before === 0 && after === 0)) return x;
  const shape = x.shape.map((length, a) => length + padding[a]![0] + padding[a]![1]);
  return expression(padOperation, [x], shape, x.dtype, { padding, value });
}

/**
 * The sum of two tensors that are padded with zeros along one axis and lie side by side in it, as one
 * joined tensor: what the gradients of the parts of a split add up to. Else undefined.
 */
export function joinPadded(a: Tensor, b: Tensor): Tensor | undefined {
  if (a.operation !== padOperation || b.operation !== padOperation) return undefined;
  if (!sameShape(a.shape, b.shape) || a.attributes.value !== 0 || b.attributes.value !== 0) return undefined;
  const first = a.attributes.padding as [number, number][];
  const second = b.attributes.padding as [number, number][];
  const padded = (padding: [number, number][]) =>
    padding.flatMap((n, axis) => (n[0] + n[1] > 0 ? [axis] : []));
  const axes = new Set([...padded(first), ...padded(second)]);
  const [axis] = axes;
  if (axes.size !== 1 || axis === undefined || a.shape[axis]! - first[axis]![1] !== second[axis]![0])
    return undefined;
  const parts = [a.inputs[0]!, b.inputs[0]!].flatMap((part) =>
    part.operation === concatOperation && part.attributes.axis === axis ? part.inputs : [part],
  );
  const rest = a.shape.map((_, i): [number, number] =>
    i === axis ? [first[axis]![0], second[axis]![1]] : [0, 0],
  );
  return pad(concat(parts, axis), rest);
}

const concatOperation: Operation = {
  name: "concat",
  emit: (graph, inputs, node) => graph.node("Concat", inputs, { axis: node.attributes.axis as number }),
  vjp: (g, node) => {
    const axis = node.attributes.axis as number;
    let start = 0;
    return node.inputs.map((part) => {
      const stop = start + part.shape[axis]!;
      const piece = slice(
        g,
        g.shape.map((length, a) => (a === axis ? [start, stop] : [0, length])),
      );
      start = stop;
      return piece;
    });
  },
  batch: alongAxis,
};

/**
 * Joins tensors along an existing axis (default: the first).
 *
 * @throws RangeError naming the shapes if they differ elsewhere.
 */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  const [first] = tensors;
  if (!first) throw new RangeError("concat: tensors is empty; expected at least one");
  const a = normalizeAxis("concat", axis, first.shape.length);
  for (const other of tensors) {
    const fits =
      other.shape.length === first.shape.length &&
      other.shape.every((n, i) => i === a || n === first.shape[i]);
    if (!fits || other.dtype !== first.dtype) {
      throw new RangeError(
        `concat: ${describe(other)} does not fit beside ${describe(first)} along axis ${a}`,
      );
    }
  }
  if (tensors.length === 1) return first;
  const length = tensors.reduce((total, { shape }) => total + shape[a]!, 0);
  return expression(
    concatOperation,
    tensors,
    first.shape.map((n, i) => (i === a ? length : n)),
    first.dtype,
    { axis: a },
  );
}

/** Joins tensors of one shape along a new axis (default: the first). */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  return concat(
    tensors.map((x) => expandDims(x, axis)),
    axis,
  );
}

/**
 * Cuts a tensor into parts along an axis (default: the first).
 *
 * @param parts The number of equal parts, or the length of each.
 */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  const a = normalizeAxis("split", axis, x.shape.length);
  const total = x.shape[a]!;
  const lengths = typeof parts === "number" ? Array<number>(parts).fill(total / parts) : parts;
  if (!lengths.every(isLength) || lengths.reduce((sum, n) => sum + n, 0) !== total) {
    throw new RangeError(`split: parts ${JSON.stringify(parts)} do not divide axis ${a} of ${describe(x)}`);
  }
  let start = 0;
  return lengths.map((length) => {
    const ranges = x.shape.map((n, i): Range => (i === a ? [start, start + length] : [0, n]));
    start += length;
    return slice(x, ranges);
  });
}

/**
 * Repeats a whole tensor along each axis.
 *
 * @param repeats How often, for each axis.
 */
export function tile(x: Tensor, repeats: readonly number[]): Tensor {
  if (repeats.length !== x.shape.length || !repeats.every(isLength)) {
    throw new RangeError(
      `tile: repeats ${showShape(repeats)} must give a number ≥ 0 for each axis of ${describe(x)}`,
    );
  }
  const interleaved = x.shape.flatMap((length) => [1, length]);
  const repeated = x.shape.flatMap((length, a) => [repeats[a]!, length]);
  return reshape(
    broadcastTo(reshape(x, interleaved), repeated),
    x.shape.map((length, a) => length * repeats[a]!),
  );
}

/** 0, 1, …, n − 1 as int32. */
export function range(n: number): Tensor {
  return fromData(
    Int32Array.from({ length: n }, (_, i) => i),
    [n],
  );
}

/** The n × n matrix with ones on its diagonal. */
export function identityMatrix(n: number, dtype: "float32" | "float64" = "float32"): Tensor {
  const data = dtype === "float32" ? new Float32Array(n * n) : new Float64Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  return fromData(data, [n, n]);
}

export const zeros = (shape: Shape, dtype: Tensor["dtype"] = "float32"): Tensor => full(shape, 0, dtype);
export const ones = (shape: Shape, dtype: Tensor["dtype"] = "float32"): Tensor => full(shape, 1, dtype);
