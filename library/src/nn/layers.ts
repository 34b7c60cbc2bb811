/**
 * Layers as pairs of pure functions: `init` draws a tree of parameters, `apply` computes with it.
 * A model is whatever function you write over such trees; nothing is registered or inherited.
 */
import type { Random } from "../random.ts";
import {
  add,
  conv2d,
  fromData,
  gather,
  matmul,
  maxPool2d,
  relu,
  reshape,
  type Shape,
  sizeOf,
  type Tensor,
} from "../tensor/index.ts";

export interface Layer<P> {
  /** Draws parameters. Equal streams give equal parameters. */
  init(random: Random): P;
  /** Computes the layer. The batch is the first axis. */
  apply(params: P, x: Tensor): Tensor;
}

/** Normal weights with variance 2 / inputs (He et al. 2015, equation 10), for layers before a relu. */
export function heNormal(random: Random, shape: Shape, inputs: number): Tensor {
  return fromData(random.normal(sizeOf(shape), 0, Math.sqrt(2 / inputs)), shape);
}

/** Uniform weights with variance 2 / (inputs + outputs) (Glorot and Bengio 2010, equation 16). */
export function glorotUniform(random: Random, shape: Shape, inputs: number, outputs: number): Tensor {
  const limit = Math.sqrt(6 / (inputs + outputs));
  return fromData(random.uniform(sizeOf(shape), -limit, limit), shape);
}

const zeroVector = (length: number): Tensor => fromData(new Float32Array(length), [length]);

export interface Dense {
  weight: Tensor;
  bias: Tensor;
}

/** x W + b: [n, inputs] → [n, outputs]; Glorot-uniform weights, zero bias. */
export function dense(inputs: number, outputs: number): Layer<Dense> {
  return {
    init: (random) => ({
      weight: glorotUniform(random, [inputs, outputs], inputs, outputs),
      bias: zeroVector(outputs),
    }),
    apply: ({ weight, bias }, x) => add(matmul(x, weight), bias),
  };
}

/**
 * Dense layers with an activation between them (not after the last).
 *
 * @param widths Of the input, the hidden layers and the output, for instance [784, 256, 10].
 */
export function mlp(widths: readonly number[], activation: (x: Tensor) => Tensor = relu): Layer<Dense[]> {
  if (widths.length < 2)
    throw new RangeError(`mlp: widths has ${widths.length} entries; expected at least two`);
  const layers = widths.slice(1).map((width, i) => dense(widths[i]!, width));
  return {
    init: (random) => layers.map((layer, i) => layer.init(random.split(i))),
    apply: (params, x) =>
      layers.reduce((hidden, layer, i) => layer.apply(params[i]!, i === 0 ? hidden : activation(hidden)), x),
  };
}

export interface Conv {
  /** [filters, channels, size, size] */
  weight: Tensor;
  /** [filters, 1, 1] */
  bias: Tensor;
}

/** A convolution that keeps height and width: [n, channels, h, w] → [n, filters, h, w]; He-normal weights. */
export function conv(channels: number, filters: number, size = 3): Layer<Conv> {
  return {
    init: (random) => ({
      weight: heNormal(random, [filters, channels, size, size], channels * size * size),
      bias: fromData(new Float32Array(filters), [filters, 1, 1]),
    }),
    apply: ({ weight, bias }, x) => add(conv2d(x, weight, { padding: "same" }), bias),
  };
}

export interface ConvNet {
  convolutions: Conv[];
  head: Dense[];
}

/**
 * A small image network: for each number of filters a 3 × 3 convolution, relu and 2 × 2 max pooling,
 * then dense layers.
 *
 * @param options.side Height and width of the input, which comes as rows of side² · channels values.
 * @param options.filters Of each convolution, for instance [16, 32].
 * @param options.head Widths of the dense layers after the flattening, the output last.
 */
export function convNet(options: {
  side: number;
  channels?: number;
  filters: readonly number[];
  head: readonly number[];
}): Layer<ConvNet> {
  const { side, channels = 1, filters, head } = options;
  const convolutions = filters.map((count, i) => conv(i === 0 ? channels : filters[i - 1]!, count));
  const lastSide = filters.reduce((length) => Math.floor(length / 2), side);
  if (lastSide < 1) throw new RangeError(`convNet: side ${side} is too small for ${filters.length} poolings`);
  const flat = lastSide * lastSide * (filters.at(-1) ?? channels);
  const dense = mlp([flat, ...head]);
  return {
    init: (random) => ({
      convolutions: convolutions.map((layer, i) => layer.init(random.split(`convolution ${i}`))),
      head: dense.init(random.split("head")),
    }),
    apply: (params, x) => {
      const images = reshape(x, [-1, channels, side, side]);
      const features = convolutions.reduce(
        (hidden, layer, i) => maxPool2d(relu(layer.apply(params.convolutions[i]!, hidden))),
        images,
      );
      return dense.apply(params.head, reshape(features, [-1, flat]));
    },
  };
}

/** A table of vectors: int32 positions of any shape → that shape with a new last axis of `width`. */
export function embedding(rows: number, width: number): Layer<Tensor> {
  return {
    init: (random) => fromData(random.normal(rows * width, 0, 1 / Math.sqrt(width)), [rows, width]),
    apply: (table, indices) => gather(table, indices),
  };
}
