/** Blocks of convolution and batch normalisation, images as [n, channels, height, width]. */
import { add, type BatchStatistics, relu, type Tensor } from "../tensor/index.ts";
import { type Conv, type ConvLayerOptions, conv } from "./convolution.ts";
import { batchNormalization, type Normalization, type StatisticsLayer } from "./normalization.ts";

export interface ConvBlock {
  convolution: Conv;
  normalization: Normalization;
}

/**
 * Convolution (without bias, which the normalisation has), batch normalisation, activation.
 *
 * @param options As of `conv`. `activation`: default `relu`.
 */
export function convBlock(
  channels: number,
  filters: number,
  options: Omit<ConvLayerOptions, "bias"> & { activation?: (x: Tensor) => Tensor } = {},
): StatisticsLayer<ConvBlock, BatchStatistics> {
  const { activation = relu, ...convOptions } = options;
  const convolution = conv(channels, filters, { ...convOptions, bias: false });
  const normalization = batchNormalization(filters);
  return {
    init: (random) => ({
      convolution: convolution.init(random),
      normalization: normalization.init(random),
    }),
    statistics: normalization.statistics,
    train(params, statistics, x) {
      const y = convolution.apply(params.convolution, x);
      const [normalized, next] = normalization.train(params.normalization, statistics, y);
      return [activation(normalized), next];
    },
    apply: (params, statistics, x) =>
      activation(
        normalization.apply(params.normalization, statistics, convolution.apply(params.convolution, x)),
      ),
  };
}

export interface ResidualBlock<T> {
  first: T;
  second: T;
  /** A 1 × 1 convolution on the way around, where the shape changes. */
  shortcut?: T;
}

/**
 * Two 3 × 3 convolutions with batch normalisation, added to the input (He et al. 2016, figure 2):
 * relu(f(x) + x). Where stride or filters change the shape, x passes through a 1 × 1 convolution first.
 */
export function residualBlock(
  channels: number,
  filters: number,
  { stride = 1 }: { stride?: number } = {},
): StatisticsLayer<ResidualBlock<ConvBlock>, ResidualBlock<BatchStatistics>> {
  const linear = (x: Tensor) => x;
  const first = convBlock(channels, filters, { stride });
  const second = convBlock(filters, filters, { activation: linear });
  const shortcut =
    stride === 1 && channels === filters
      ? undefined
      : convBlock(channels, filters, { size: 1, stride, activation: linear });
  return {
    init: (random) => ({
      first: first.init(random.split("first")),
      second: second.init(random.split("second")),
      ...(shortcut ? { shortcut: shortcut.init(random.split("shortcut")) } : {}),
    }),
    statistics: () => ({
      first: first.statistics(),
      second: second.statistics(),
      ...(shortcut ? { shortcut: shortcut.statistics() } : {}),
    }),
    train(params, statistics, x) {
      const [hidden, firstNext] = first.train(params.first, statistics.first, x);
      const [y, secondNext] = second.train(params.second, statistics.second, hidden);
      const next = { first: firstNext, second: secondNext };
      if (!shortcut) return [relu(add(y, x)), next];
      const [around, shortcutNext] = shortcut.train(params.shortcut!, statistics.shortcut!, x);
      return [relu(add(y, around)), { ...next, shortcut: shortcutNext }];
    },
    apply(params, statistics, x) {
      const hidden = first.apply(params.first, statistics.first, x);
      const y = second.apply(params.second, statistics.second, hidden);
      return relu(add(y, shortcut ? shortcut.apply(params.shortcut!, statistics.shortcut!, x) : x));
    },
  };
}
