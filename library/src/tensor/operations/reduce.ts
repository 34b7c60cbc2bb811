/** Reductions over axes, and running sums. */
import {
  type DType,
  describe,
  expression,
  type GraphWriter,
  isFloat,
  normalizeAxis,
  type Operation,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
} from "../tensor.ts";
import { alongAxis } from "./batch.ts";
import {
  add,
  cast,
  clip,
  divide,
  equal,
  exp,
  full,
  logicalNot,
  logOfSum,
  multiply,
  notEqual,
  sqrt,
  square,
  subtract,
  where,
} from "./elementwise.ts";
import { broadcastTo, concat, expandDims, ones, reshape, split, transpose } from "./shape.ts";
import { stopGradient } from "./stop.ts";
import { booleans, floats, numbers, requireType } from "./types.ts";

export interface ReduceOptions {
  /** The axis or axes to reduce, counted from the end where negative. Default: all. */
  axis?: number | readonly number[];
  /** Whether reduced axes stay with length 1. Default: false. */
  keepDims?: boolean;
}

interface ReduceAttributes extends Record<string, unknown> {
  axes: readonly number[];
  keepDims: boolean;
}

function emitReduction(graph: GraphWriter, type: string, x: string, node: Tensor): string {
  const { axes, keepDims } = node.attributes as ReduceAttributes;
  return graph.node(type, [x, graph.integers(axes)], { keepdims: keepDims ? 1 : 0 });
}

/**
 * Sums over the leading axes (biases' gradients) are a product with ones, which is several times as fast: the
 * names of its operands [1, rows] and [rows, columns]; undefined for other sums.
 */
export function totalsOperands(graph: GraphWriter, x: string, node: Tensor): [string, string] | undefined {
  const { shape, dtype } = node.inputs[0]!;
  const { axes } = node.attributes as ReduceAttributes;
  const leading = axes.length < shape.length && axes.every((axis, i) => axis === i);
  const rows = sizeOf(shape.slice(0, axes.length));
  const columns = sizeOf(shape.slice(axes.length));
  if (!leading || !isFloat(dtype) || rows < 8 || columns < 8) return undefined;
  const flat =
    shape.length === 2 ? x : graph.node("Reshape", [x, graph.integers([rows, columns])], { allowzero: 1 });
  return [graph.node("Expand", [graph.scalar(1, dtype), graph.integers([1, rows])]), flat];
}

function emitTotal(graph: GraphWriter, [x]: string[], node: Tensor): string {
  const operands = totalsOperands(graph, x!, node);
  if (!operands) return emitReduction(graph, "ReduceSum", x!, node);
  const total = graph.node("Gemm", operands, { transA: 0, transB: 0 });
  return graph.node("Reshape", [total, graph.integers(node.shape)], { allowzero: 1 });
}

function reduction(
  name: string,
  type: string,
  vjp: (cotangent: Tensor, x: Tensor, y: Tensor, node: Tensor) => Tensor,
  {
    accepts = floats,
    emptyIsError = false,
    emit,
  }: { accepts?: readonly DType[]; emptyIsError?: boolean; emit?: Operation["emit"] } = {},
) {
  const operation: Operation = {
    name,
    emit: emit ?? ((graph, [x], node) => emitReduction(graph, type, x!, node)),
    // The rule sees cotangent and result with the reduced axes kept, ready to broadcast against x.
    vjp: (cotangent, node) => {
      const x = node.inputs[0]!;
      const kept = keptShape(x.shape, (node.attributes as ReduceAttributes).axes);
      return [vjp(reshape(cotangent, kept), x, reshape(node, kept), node)];
    },
    batch: (inputs, { size }, node) => {
      const axes = (node.attributes as ReduceAttributes).axes.map((a) => a + 1);
      return expression(operation, inputs, [size, ...node.shape], node.dtype, { ...node.attributes, axes });
    },
  };
  return (x: Tensor, { axis, keepDims = false }: ReduceOptions = {}): Tensor => {
    requireType(name, accepts, x);
    const axes = reducedAxes(name, x, axis);
    if (emptyIsError && axes.some((a) => x.shape[a] === 0)) {
      throw new RangeError(`${name}: cannot reduce an axis of length 0 of ${describe(x)}`);
    }
    // ONNX would read an empty list of axes as all of them.
    if (axes.length === 0) return x;
    const shape = keepDims ? keptShape(x.shape, axes) : leftShape(x.shape, axes);
    return expression(operation, [x], shape, x.dtype, { axes, keepDims });
  };
}

function reducedAxes(name: string, x: Tensor, axis: ReduceOptions["axis"]): number[] {
  if (axis === undefined) return x.shape.map((_, a) => a);
  const axes = (typeof axis === "number" ? [axis] : [...axis]).map((a) =>
    normalizeAxis(name, a, x.shape.length),
  );
  return [...new Set(axes)].sort((a, b) => a - b);
}

const keptShape = (shape: Shape, axes: readonly number[]) =>
  shape.map((length, a) => (axes.includes(a) ? 1 : length));

const leftShape = (shape: Shape, axes: readonly number[]) => shape.filter((_, a) => !axes.includes(a));

/** The sum over axes; that of no element is 0. */
export const sum = reduction("sum", "ReduceSum", (g, x) => broadcastTo(g, x.shape), {
  accepts: numbers,
  emit: emitTotal,
});

/** The mean over axes. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireType("mean", floats, x);
  const total = sum(x, options);
  const count = reducedAxes("mean", x, options.axis).reduce((product, a) => product * x.shape[a]!, 1);
  if (count === 0) throw new RangeError(`mean: there is no element to average in ${describe(x)}`);
  return multiply(total, 1 / count);
}

const sharedByEqual = (g: Tensor, x: Tensor, y: Tensor, node: Tensor) => {
  const hit = cast(equal(x, y), x.dtype);
  const { axes } = node.attributes as ReduceAttributes;
  return multiply(hit, divide(g, sum(hit, { axis: axes, keepDims: true })));
};

/** The largest element; equal ones share the gradient. */
export const max = reduction("max", "ReduceMax", sharedByEqual, {
  accepts: numbers,
  emptyIsError: true,
});

/** The smallest element; equal ones share the gradient. */
export const min = reduction("min", "ReduceMin", sharedByEqual, {
  accepts: numbers,
  emptyIsError: true,
});

/**
 * The product over axes; that of no element is 1.
 *
 * Neighbours are multiplied in pairs until one is left, so that derivatives of every order are exact
 * where factors are 0, which a rule by division could not give.
 */
export function prod(x: Tensor, { axis, keepDims = false }: ReduceOptions = {}): Tensor {
  requireType("prod", numbers, x);
  const axes = reducedAxes("prod", x, axis);
  const kept = x.shape.flatMap((_, a) => (axes.includes(a) ? [] : [a]));
  const left = leftShape(x.shape, axes);
  let count = axes.reduce((product, a) => product * x.shape[a]!, 1);
  let factors = reshape(transpose(x, [...axes, ...kept]), [count, ...left]);
  if (count === 0) factors = ones([1, ...left], x.dtype);
  for (; count > 1; count = Math.ceil(count / 2)) {
    const half = Math.floor(count / 2);
    const [first, second, last] = split(factors, [half, half, count % 2]) as [Tensor, Tensor, Tensor];
    const pairs = multiply(first, second);
    factors = count % 2 === 0 ? pairs : concat([pairs, last]);
  }
  return reshape(factors, keepDims ? keptShape(x.shape, axes) : left);
}

/** e^±30 leaves room in float32 for sums over millions of elements and for the squares of second derivatives. */
const SAFE_EXPONENT = 30;

/**
 * log Σ eˣ over axes without overflow; −∞ where all elements are −∞ (with gradient 0) or there is none.
 * An element of +∞ gives +∞ and no usable gradient.
 *
 * Written out as max + log Σ e^(x − max): the engine's own ReduceLogSumExp takes three times as long, and
 * the gradient reads the exponentials that are already there.
 *
 * @param options.bound A number that no element's absolute value exceeds (but −∞ may stand among them), such as
 *   1 / temperature for cosines over a temperature. Up to 30, nothing has to be subtracted, which spares two
 *   passes over x. Default: none is known.
 */
export function logSumExp(x: Tensor, options: ReduceOptions & { bound?: number } = {}): Tensor {
  requireType("logSumExp", floats, x, "x");
  const axes = reducedAxes("logSumExp", x, options.axis);
  if (axes.length === 0) return x;
  const kept = keptShape(x.shape, axes);
  const shape = options.keepDims ? kept : x.shape.filter((_, a) => !axes.includes(a));
  if (axes.some((a) => x.shape[a] === 0)) return full(shape, Number.NEGATIVE_INFINITY, x.dtype);
  const { bound = Number.POSITIVE_INFINITY } = options;
  // The value does not depend on what is subtracted, so neither does the gradient.
  const shift =
    bound <= SAFE_EXPONENT ? 0 : stopGradient(clip(max(x, { axis: axes, keepDims: true }), -1e30, 1e30));
  const total = sum(exp(subtract(x, shift)), { axis: axes, keepDims: true });
  return reshape(add(logOfSum(total), shift), shape);
}

/**
 * The variance over axes.
 *
 * @param options.correction Subtracted from the number of elements in the denominator. Default: 0, the
 *   population variance; 1 gives the unbiased one.
 */
export function variance(x: Tensor, options: ReduceOptions & { correction?: number } = {}): Tensor {
  const { correction = 0, ...reduce } = options;
  requireType("variance", floats, x);
  const centred = subtract(x, mean(x, { ...reduce, keepDims: true }));
  const count = reducedAxes("variance", x, options.axis).reduce((product, a) => product * x.shape[a]!, 1);
  if (count <= correction) {
    throw new RangeError(
      `variance: ${count} elements of ${describe(x)} are too few for correction ${correction}`,
    );
  }
  return multiply(sum(square(centred), reduce), 1 / (count - correction));
}

/** Sums a cotangent over the axes along which an operand of this shape was broadcast. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const added = x.shape.length - shape.length;
  const axes = x.shape
    .map((_, a) => a)
    .filter((a) => a < added || (shape[a - added] === 1 && x.shape[a] !== 1));
  return reshape(sum(x, { axis: axes, keepDims: true }), shape);
}

function argReduction(name: string, type: string) {
  const operation: Operation = {
    name,
    emit: (graph, [x], node) => {
      const index = graph.node(type, [x!], { axis: node.attributes.axis as number, keepdims: 0 });
      return graph.node("Cast", [index], { to: 6 });
    },
    batch: alongAxis,
  };
  return (x: Tensor, { axis = -1, keepDims = false }: { axis?: number; keepDims?: boolean } = {}): Tensor => {
    requireType(name, numbers, x);
    const a = normalizeAxis(name, axis, x.shape.length);
    if (x.shape[a] === 0) throw new RangeError(`${name}: axis ${a} of ${describe(x)} is empty`);
    const index = expression(operation, [x], leftShape(x.shape, [a]), "int32", { axis: a });
    return keepDims ? expandDims(index, a) : index;
  };
}

/** The position of the largest element along an axis (default: the last), as int32; the first of equals. */
export const argMax = argReduction("argMax", "ArgMax");
/** The position of the smallest element along an axis (default: the last), as int32; the first of equals. */
export const argMin = argReduction("argMin", "ArgMin");

/** Whether any element is true. */
export function any(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireType("any", booleans, x);
  return notEqual(sum(cast(x, "int32"), options), 0);
}

/** Whether all elements are true. */
export function all(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireType("all", booleans, x);
  return logicalNot(any(logicalNot(x), options));
}

export interface CumSumOptions {
  axis?: number;
  /** Whether the element itself is left out of its sum. Default: false. */
  exclusive?: boolean;
  /** Whether to sum from the end. Default: false. */
  reverse?: boolean;
}

const cumSumOperation: Operation = {
  name: "cumSum",
  emit: (graph: GraphWriter, [x]: string[], node: Tensor) => {
    const { axis, exclusive, reverse } = node.attributes as Required<CumSumOptions>;
    const attributes = { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 };
    return graph.node("CumSum", [x!, graph.constant(Int32Array.of(axis), [], "int32")], attributes);
  },
  vjp: (g: Tensor, node: Tensor) => {
    const { axis, exclusive, reverse } = node.attributes as Required<CumSumOptions>;
    return [cumSum(g, { axis, exclusive, reverse: !reverse })];
  },
  batch: alongAxis,
};

/** Running sums along an axis (default: the last). */
export function cumSum(
  x: Tensor,
  { axis = -1, exclusive = false, reverse = false }: CumSumOptions = {},
): Tensor {
  requireType("cumSum", numbers, x);
  const a = normalizeAxis("cumSum", axis, x.shape.length);
  return expression(cumSumOperation, [x], x.shape, x.dtype, { axis: a, exclusive, reverse });
}

/** The Euclidean norm over axes, with gradient 0 (not NaN) at the zero vector. */
export function norm(x: Tensor, options: ReduceOptions = {}): Tensor {
  const squares = sum(square(x), options);
  const isZero = equal(squares, 0);
  return where(isZero, 0, sqrt(where(isZero, 1, squares)));
}
