/**
 * Normalisation layers: each row of features, or each channel over the batch, to mean 0 and variance 1,
 * followed by a gain and a bias that are learnt.
 */
import type { Random } from "../random.ts";
import {
  add,
  type BatchStatistics,
  batchNorm,
  fromData,
  layerNorm,
  multiply,
  rmsNorm,
  sizeOf,
  stopGradient,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type Layer, requireCount } from "./layer.ts";

export interface Normalization {
  /** [width], starts at 1. */
  gain: Tensor;
  /** [width], starts at 0. */
  bias: Tensor;
}

const filled = (width: number, value: number): Tensor =>
  fromData(new Float32Array(width).fill(value), [width]);

const start = (width: number): Normalization => ({ gain: filled(width, 1), bias: filled(width, 0) });

/**
 * Layer normalisation (Ba, Kiros and Hinton 2016): (x − mean) / √(variance + ε) · gain + bias, mean and
 * variance over the last axis. [..., width] → the same.
 *
 * @param options.epsilon ε. Default: 1e-5.
 */
export function layerNormalization(
  width: number,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Layer<Normalization> {
  requireCount("layerNormalization", "width", width);
  return {
    init: () => start(width),
    apply: (params, x) => layerNorm(x, { ...params, epsilon }),
  };
}

/**
 * Normalisation by the root mean square (Zhang and Sennrich 2019): x / √(mean x² + ε) · gain over the last
 * axis. [..., width] → the same.
 *
 * @param options.epsilon ε. Default: 1e-5.
 */
export function rmsNormalization(
  width: number,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Layer<{ gain: Tensor }> {
  requireCount("rmsNormalization", "width", width);
  return {
    init: () => ({ gain: filled(width, 1) }),
    apply: (params, x) => rmsNorm(x, { ...params, epsilon }),
  };
}

/** A layer that behaves differently in training, and keeps statistics of the batches that it saw there. */
export interface StatisticsLayer<P, S> {
  init(random: Random): P;
  /** The statistics before training. Keep them in the state beside the parameters. */
  statistics(): S;
  /** The layer in training, and the next statistics; no gradient flows into those. */
  train(params: P, statistics: S, x: Tensor): [Tensor, S];
  /** The layer in use: each example by itself. */
  apply(params: P, statistics: S, x: Tensor): Tensor;
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015, algorithms 1 and 2): (x − mean) / √(variance + ε) · gain +
 * bias for each channel, axis 1 of [n, channels, ...]; mean and variance over all other axes.
 *
 * `train` normalises by the batch's own mean and variance, `apply` by running ones, which start at 0 and 1.
 * `train` is pure: it returns the next statistics, which the loss hands on as an auxiliary result:
 *
 *     const [[loss, statistics], gradients] = valueAndGrad((params) => {
 *       const [y, statistics] = norm.train(params.norm, state.statistics, x);
 *       return [lossOf(y), statistics];
 *     })(state.params);
 *
 * @param options.momentum Weight of the old running statistics in the new ones. Default: 0.9.
 * @param options.epsilon ε. Default: 1e-5.
 */
export function batchNormalization(
  channels: number,
  { momentum = 0.9, epsilon = 1e-5 }: { momentum?: number; epsilon?: number } = {},
): StatisticsLayer<Normalization, BatchStatistics> {
  requireCount("batchNormalization", "channels", channels);
  if (!(momentum >= 0 && momentum <= 1))
    throw new RangeError(`batchNormalization: momentum is ${momentum}; expected 0 ≤ momentum ≤ 1`);

  const check = (x: Tensor) => {
    if (x.shape.length < 2 || x.shape[1] !== channels)
      throw new RangeError(`batchNormalization: x is ${describe(x)}; expected [n, ${channels}, ...]`);
  };
  return {
    init: () => start(channels),
    statistics: () => ({ mean: filled(channels, 0), variance: filled(channels, 1) }),
    train(params, statistics, x) {
      check(x);
      const count = sizeOf(x.shape) / channels;
      if (count < 2)
        throw new RangeError(
          `batchNormalization: ${describe(x)} has one value a channel; expected at least 2`,
        );
      const { output, mean, variance } = batchNorm(x, { ...params, epsilon });
      const moved = (running: Tensor, now: Tensor) =>
        stopGradient(add(multiply(running, momentum), multiply(now, 1 - momentum)));
      return [
        output,
        {
          mean: moved(statistics.mean, mean),
          // Of the population, not of the batch: divided by n − 1, as in the paper's algorithm 2.
          variance: moved(statistics.variance, multiply(variance, count / (count - 1))),
        },
      ];
    },
    apply(params, statistics, x) {
      check(x);
      return batchNorm(x, { ...params, epsilon, statistics }).output;
    },
  };
}
