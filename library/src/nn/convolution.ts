/** Convolutional layers, images as [n, channels, height, width]. */
import { add, type ConvOptions, conv2d, maxPool2d, relu, reshape, type Tensor } from "../tensor/index.ts";
import { type Dense, mlp } from "./dense.ts";
import { heNormal, type Initializer, zeroFill } from "./initializers.ts";
import { type Layer, requireCount } from "./layer.ts";

export interface Conv {
  /** [filters, channels / groups, size, size] */
  weight: Tensor;
  /** [filters, 1, 1]; absent in a layer without bias. */
  bias?: Tensor;
}

export interface ConvLayerOptions extends ConvOptions {
  /** Height and width of the window. Default: 3. */
  size?: number;
  /** Default: `heNormal`. */
  weight?: Initializer;
  /** Whether there is a bias, which starts at zero. Default: true. */
  bias?: boolean;
}

/**
 * A convolution: [n, channels, h, w] → [n, filters, h', w'].
 *
 * @param options.padding Default: "same", so that h' = ⌈h / stride⌉ and w' = ⌈w / stride⌉ for odd sizes.
 */
export function conv(channels: number, filters: number, options: ConvLayerOptions = {}): Layer<Conv> {
  const { size = 3, weight = heNormal, bias = true, padding = "same", groups = 1, ...rest } = options;
  requireCount("conv", "channels", channels);
  requireCount("conv", "filters", filters);
  requireCount("conv", "size", size);
  if (channels % groups !== 0 || filters % groups !== 0) {
    throw new RangeError(
      `conv: ${channels} channels and ${filters} filters cannot be cut into groups = ${groups} equal parts`,
    );
  }
  return {
    init: (random) => ({
      weight: weight(random, [filters, channels / groups, size, size]),
      ...(bias ? { bias: zeroFill(random, [filters, 1, 1]) } : {}),
    }),
    apply: (params, x) => {
      const y = conv2d(x, params.weight, { ...rest, padding, groups });
      return params.bias ? add(y, params.bias) : y;
    },
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
        // relu and maximum commute, and there is less to do after pooling.
        (hidden, layer, i) => relu(maxPool2d(layer.apply(params.convolutions[i]!, hidden))),
        images,
      );
      return dense.apply(params.head, reshape(features, [-1, flat]));
    },
  };
}
