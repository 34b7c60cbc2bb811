/** Normalisation of activations. */
import {
  broadcastShapes,
  describe,
  expression,
  type GraphWriter,
  normalizeAxis,
  type Operation,
  sameShape,
  sizeOf,
  type Tensor,
} from "../tensor.ts";
import { alongAxis } from "./batch.ts";
import { add, multiply, rsqrt, square, subtract } from "./elementwise.ts";
import { mean, variance } from "./reduce.ts";
import { reshape } from "./shape.ts";
import { floats, requireType } from "./types.ts";

export interface NormOptions {
  /** Multiplies what is normalised; broadcasts to x. Default: 1. */
  gain?: Tensor;
  /** Added in the end; broadcasts to x. Default: 0. */
  bias?: Tensor;
  /** Added to the variance or mean square, so that constants can be divided. Default: 1e-5. */
  epsilon?: number;
}

function scaled(name: string, x: Tensor, { gain, bias }: NormOptions): Tensor {
  for (const [argument, given] of Object.entries({ gain, bias })) {
    if (given && !sameShape(broadcastShapes(`${name}: ${argument}`, given.shape, x.shape), x.shape)) {
      throw new RangeError(`${name}: ${argument} is ${describe(given)}, which is larger than ${describe(x)}`);
    }
  }
  const stretched = gain ? multiply(x, gain) : x;
  return bias ? add(stretched, bias) : stretched;
}

interface StandardizeAttributes extends Record<string, unknown> {
  /** The first of the axes, which reach to the last. */
  axis: number;
  epsilon: number;
}

/** One output of the engine's kernel: what is normalised (0) or the inverse standard deviation (2). */
function emitStandardize(graph: GraphWriter, x: string, node: Tensor, output: number): string {
  const { axis, epsilon } = node.attributes as StandardizeAttributes;
  const inner = node.inputs[0]!.shape.slice(axis);
  const ones = graph.constant(new Float32Array(sizeOf(inner)).fill(1), inner, "float32");
  const attributes = { axis, epsilon: { float: epsilon } };
  return graph.nodeOutput("LayerNormalization", [x, ones], attributes, 3, output);
}

const standardizeOperation: Operation = {
  name: "standardize",
  emit: (graph, [x], node) => emitStandardize(graph, x!, node, 0),
  vjp: (g, node) => {
    const { axis } = node.attributes as StandardizeAttributes;
    const over = { axis: trailing(node, axis), keepDims: true };
    const centred = subtract(g, mean(g, over));
    const uncorrelated = subtract(centred, multiply(node, mean(multiply(g, node), over)));
    return [multiply(uncorrelated, inverseDeviation(node))];
  },
  batch: alongAxis,
};

const inverseDeviationOperation: Operation = {
  name: "inverseDeviation",
  emit: (graph, [x], node) => emitStandardize(graph, x!, node, 2),
  vjp: (g, node) => {
    const standard = expression(
      standardizeOperation,
      node.inputs,
      node.inputs[0]!.shape,
      node.dtype,
      node.attributes,
    );
    const count = sizeOf(standard.shape) / sizeOf(node.shape);
    return [multiply(multiply(standard, -1 / count), multiply(g, square(node)))];
  },
  batch: alongAxis,
};

/** 1 / √(variance + ε) of what a tensor was made of by `standardize`. */
function inverseDeviation(node: Tensor): Tensor {
  const { axis } = node.attributes as StandardizeAttributes;
  const shape = node.shape.map((length, a) => (a < axis ? length : 1));
  return expression(inverseDeviationOperation, node.inputs, shape, node.dtype, node.attributes);
}

const trailing = (x: Tensor, axis: number) => x.shape.map((_, a) => a).slice(axis);

/** (x − mean) / √(variance + ε) over axes. */
function standardize(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const axis = Math.min(...axes);
  // The engine's kernel makes one pass of five, over axes at the end and for float32 only.
  if (x.dtype === "float32" && axes.length === x.shape.length - axis) {
    return expression(standardizeOperation, [x], x.shape, x.dtype, { axis, epsilon });
  }
  const over = { axis: axes, keepDims: true };
  return multiply(subtract(x, mean(x, over)), rsqrt(add(variance(x, over), epsilon)));
}

function requireNorm(name: string, x: Tensor, { epsilon = 1e-5 }: NormOptions): number {
  requireType(name, floats, x);
  if (!(epsilon > 0)) throw new RangeError(`${name}: epsilon is ${epsilon}; expected a number above 0`);
  return epsilon;
}

const distinctAxes = (name: string, x: Tensor, axis: number | readonly number[]) => [
  ...new Set([axis].flat().map((a) => normalizeAxis(name, a as number, x.shape.length))),
];

/**
 * gain · (x − mean) / √(variance + ε) + bias, with mean and variance over axes of each example
 * (Ba, Kiros and Hinton 2016, equation 4).
 *
 * @param x float of any shape.
 * @param options.axis Default: the last.
 * @throws RangeError if gain or bias do not broadcast to x.
 */
export function layerNorm(
  x: Tensor,
  { axis = -1, ...options }: NormOptions & { axis?: number | readonly number[] } = {},
): Tensor {
  const epsilon = requireNorm("layerNorm", x, options);
  return scaled("layerNorm", standardize(x, distinctAxes("layerNorm", x, axis), epsilon), options);
}

/**
 * gain · x / √(mean of x² + ε) + bias (Zhang and Sennrich 2019, equation 4).
 *
 * @param x float of any shape.
 * @param options.axis Over which the mean is taken. Default: the last.
 * @throws RangeError if gain or bias do not broadcast to x.
 */
export function rmsNorm(
  x: Tensor,
  { axis = -1, ...options }: NormOptions & { axis?: number | readonly number[] } = {},
): Tensor {
  const epsilon = requireNorm("rmsNorm", x, options);
  const over = { axis: distinctAxes("rmsNorm", x, axis), keepDims: true };
  return scaled("rmsNorm", multiply(x, rsqrt(add(mean(square(x), over), epsilon))), options);
}

export interface BatchStatistics {
  /** [channels] */
  mean: Tensor;
  /** [channels], with the number of values as denominator. */
  variance: Tensor;
}

/**
 * gain · (x − mean) / √(variance + ε) + bias for each channel, over all other axes (Ioffe and Szegedy
 * 2015, algorithm 1).
 *
 * @param x float [n, channels, …]
 * @param options.gain, options.bias [channels]
 * @param options.statistics Mean and variance to use, as for single examples after training. Default:
 *   those of the batch, through which gradients flow.
 * @returns The output, and the statistics that were used, of which training keeps a running mean.
 * @throws RangeError if gain, bias or statistics are not vectors of one number for each channel.
 */
export function batchNorm(
  x: Tensor,
  { statistics, gain, bias, ...options }: NormOptions & { statistics?: BatchStatistics } = {},
): BatchStatistics & { output: Tensor } {
  const epsilon = requireNorm("batchNorm", x, options);
  if (x.shape.length < 2) throw new RangeError(`batchNorm: x is ${describe(x)}; expected [n, channels, …]`);
  const channels = x.shape[1]!;
  const wide = (argument: string, vector: Tensor): Tensor => {
    if (!sameShape(vector.shape, [channels])) {
      throw new RangeError(`batchNorm: ${argument} is ${describe(vector)}; expected [${channels}]`);
    }
    return reshape(vector, [channels, ...x.shape.slice(2).map(() => 1)]);
  };
  const axis = x.shape.map((_, a) => a).filter((a) => a !== 1);
  const used = statistics ?? { mean: mean(x, { axis }), variance: variance(x, { axis }) };
  const inverse = rsqrt(add(wide("variance", used.variance), epsilon));
  const standard = multiply(subtract(x, wide("mean", used.mean)), inverse);
  const output = scaled("batchNorm", standard, {
    gain: gain && wide("gain", gain),
    bias: bias && wide("bias", bias),
  });
  return { output, mean: used.mean, variance: used.variance };
}
