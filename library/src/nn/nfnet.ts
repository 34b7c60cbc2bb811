/**
 * Convolutional networks without normalisation: weights are standardised instead, and residual blocks divide their input by
 * the deviation that it is expected to have.
 */
import {
  add,
  averagePool2d,
  conv2d,
  divide,
  gelu,
  maximum,
  mean,
  multiply,
  relu,
  reshape,
  sqrt,
  square,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type Dense, dense } from "./dense.ts";
import { fill, lecunNormal, normal, zeroFill } from "./initializers.ts";
import { type Layer, requireCount } from "./layer.ts";

/** Activations times the gain that makes their variance 1 for standard normal inputs: √(2 / (1 − 1/π)) for ReLU. */
export const variancePreserving = {
  relu: (x: Tensor): Tensor => multiply(relu(x), Math.sqrt(2 / (1 - 1 / Math.PI))),
  gelu: (x: Tensor): Tensor => multiply(gelu(x), 1.7015043497085571),
};

/**
 * Scaled weight standardisation: (W − mean) / (σ √N) over the N inputs of each filter, so that filters have mean 0 and
 * squared norm 1.
 *
 * Source: Brock, De and Smith, "Characterizing signal propagation to close the performance gap in unnormalized ResNets"
 * (2021), equation 1; variances below 1e-4 / N are taken as that, as in the authors' code.
 *
 * @param weight [filters, channels, size, size]
 */
export function standardizeWeights(weight: Tensor): Tensor {
  if (weight.shape.length !== 4)
    throw new RangeError(
      `standardizeWeights: weight is ${describe(weight)}; expected [filters, channels, size, size]`,
    );
  const axes = { axis: [1, 2, 3], keepDims: true };
  const centred = subtract(weight, mean(weight, axes));
  const count = weight.shape.slice(1).reduce((product, size) => product * size, 1);
  return divide(centred, sqrt(maximum(multiply(mean(square(centred), axes), count), 1e-4)));
}

export interface StandardizedConv {
  /** [filters, channels, size, size] */
  weight: Tensor;
  /** Factor of each standardised filter, [filters, 1, 1, 1]. */
  gain: Tensor;
  /** [filters, 1, 1] */
  bias: Tensor;
}

/** A convolution whose weights are standardised, with a gain for each filter: [n, channels, h, w] → [n, filters, h', w']. */
export function standardizedConv(
  channels: number,
  filters: number,
  { size = 3, stride = 1 }: { size?: number; stride?: number } = {},
): Layer<StandardizedConv> {
  requireCount("standardizedConv", "channels", channels);
  requireCount("standardizedConv", "filters", filters);
  requireCount("standardizedConv", "size", size);
  return {
    init: (random) => ({
      weight: lecunNormal(random, [filters, channels, size, size]),
      gain: fill(1)(random, [filters, 1, 1, 1]),
      bias: zeroFill(random, [filters, 1, 1]),
    }),
    apply: ({ weight, gain, bias }, x) =>
      add(conv2d(x, multiply(standardizeWeights(weight), gain), { stride, padding: "same" }), bias),
  };
}

export interface NormalizerFreeBlock {
  narrow: StandardizedConv;
  first: StandardizedConv;
  second: StandardizedConv;
  wide: StandardizedConv;
  /** Where the shape changes. */
  shortcut?: StandardizedConv;
  /** Factor of the branch, a scalar that starts at 0 (SkipInit). */
  skip: Tensor;
}

export interface NormalizerFreeBlockOptions {
  /** Default: 1. */
  stride?: 1 | 2;
  /** α of the branch. Default: 0.2. */
  alpha?: number;
  /** β: the deviation that the input is expected to have. Default: 1. */
  beta?: number;
  /** Of variance 1 for standard normal inputs. Default: `variancePreserving.gelu`. */
  activation?: (x: Tensor) => Tensor;
}

/**
 * A block h + α s f(h / β), where f is a bottleneck of standardised convolutions (1 × 1 to half of the filters, twice 3 × 3,
 * 1 × 1), each behind an activation, and s starts at 0. Where the shape changes, the way around f is a 1 × 1 convolution of
 * the activated h / β.
 *
 * The authors' code divides by β behind the first activation, which is the same for ReLU; squeeze and excitation, groups
 * and stochastic depth are left out.
 *
 * Source: Brock et al., "High-Performance Large-Scale Image Recognition Without Normalization" (2021).
 */
export function normalizerFreeBlock(
  channels: number,
  filters: number,
  options: NormalizerFreeBlockOptions = {},
): Layer<NormalizerFreeBlock> {
  const { stride = 1, alpha = 0.2, beta = 1, activation = variancePreserving.gelu } = options;
  for (const [name, value] of Object.entries({ alpha, beta }))
    if (!(value > 0 && Number.isFinite(value)))
      throw new RangeError(`normalizerFreeBlock: ${name} is ${value}; expected a number above 0`);
  requireCount("normalizerFreeBlock", "filters", filters);
  const half = Math.max(1, Math.floor(filters / 2));
  const narrow = standardizedConv(channels, half, { size: 1 });
  const first = standardizedConv(half, half, { stride });
  const second = standardizedConv(half, half);
  const wide = standardizedConv(half, filters, { size: 1 });
  const shortcut =
    stride > 1 || channels !== filters ? standardizedConv(channels, filters, { size: 1 }) : undefined;
  return {
    init: (random) => ({
      narrow: narrow.init(random.split("narrow")),
      first: first.init(random.split("first")),
      second: second.init(random.split("second")),
      wide: wide.init(random.split("wide")),
      ...(shortcut ? { shortcut: shortcut.init(random.split("shortcut")) } : {}),
      skip: zeroFill(random, []),
    }),
    apply: (params, h) => {
      const seen = activation(multiply(h, 1 / beta));
      const around = shortcut
        ? shortcut.apply(params.shortcut!, stride > 1 ? averagePool2d(seen, stride) : seen)
        : h;
      const bottom = first.apply(params.first, activation(narrow.apply(params.narrow, seen)));
      const branch = wide.apply(params.wide, activation(second.apply(params.second, activation(bottom))));
      return add(around, multiply(branch, multiply(params.skip, alpha)));
    },
  };
}

/**
 * The deviations β that the inputs of a network's blocks are expected to have: 1 at the start; a block adds α² to the
 * variance, and the first block of each stage sets it back to 1 before.
 *
 * @param depths Blocks of each stage.
 */
export function expectedDeviations(depths: readonly number[], alpha = 0.2): number[] {
  let variance = 1;
  return depths.flatMap((depth) =>
    Array.from({ length: depth }, (_, block) => {
      const before = Math.sqrt(variance);
      variance = (block === 0 ? 1 : variance) + alpha ** 2;
      return before;
    }),
  );
}

export interface NormalizerFreeNet {
  stem: StandardizedConv;
  blocks: NormalizerFreeBlock[];
  last: StandardizedConv;
  head: Dense;
}

export interface NormalizerFreeNetOptions {
  /** Height and width of the input, which comes as rows of side² · channels values; a multiple of 2 to the stages. */
  side: number;
  channels?: number;
  /** Filters and number of blocks of each stage; each halves the sides, the first through the stem. */
  stages: readonly { filters: number; depth: number }[];
  outputs: number;
  alpha?: number;
  activation?: (x: Tensor) => Tensor;
}

/**
 * A small NFNet: a stem of stride 2, stages of blocks, a 1 × 1 convolution to twice the filters, a mean over the image and a
 * dense layer.
 */
export function normalizerFreeNet(options: NormalizerFreeNetOptions): Layer<NormalizerFreeNet> {
  const { side, channels = 1, stages, outputs, alpha = 0.2, activation = variancePreserving.gelu } = options;
  if (stages.length === 0) throw new RangeError("normalizerFreeNet: stages is empty; expected at least one");
  if (side % 2 ** stages.length !== 0)
    throw new RangeError(
      `normalizerFreeNet: side is ${side}; expected a multiple of ${2 ** stages.length} for ${stages.length} stages`,
    );
  const betas = expectedDeviations(
    stages.map(({ depth }) => depth),
    alpha,
  );
  const stem = standardizedConv(channels, stages[0]!.filters, { stride: 2 });
  let width = stages[0]!.filters;
  const blocks = stages.flatMap(({ filters, depth }, stage) =>
    Array.from({ length: depth }, (_, block) => {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const layer = { stride, from: width, to: filters } as const;
      width = filters;
      return layer;
    }),
  );
  const layers = blocks.map(({ stride, from, to }, i) =>
    normalizerFreeBlock(from, to, { stride, alpha, beta: betas[i], activation }),
  );
  const last = standardizedConv(width, 2 * width, { size: 1 });
  const head = dense(2 * width, outputs, { weight: normal(0.01) });
  return {
    init: (random) => ({
      stem: stem.init(random.split("stem")),
      blocks: layers.map((layer, i) => layer.init(random.split(`block ${i}`))),
      last: last.init(random.split("last")),
      head: head.init(random.split("head")),
    }),
    apply: (params, x) => {
      const images = reshape(x, [-1, channels, side, side]);
      const hidden = layers.reduce(
        (h, layer, i) => layer.apply(params.blocks[i]!, h),
        stem.apply(params.stem, images),
      );
      const features = mean(activation(last.apply(params.last, hidden)), { axis: [2, 3] });
      return head.apply(params.head, features);
    },
  };
}
