/** Adaptive gradient clipping: gradients cut to a share of the weights that they change. */
import { divide, greater, maximum, multiply, norm, type Tensor, where } from "../tensor/index.ts";
import { zipTrees } from "../tree.ts";
import { requireNumber } from "./optimizer.ts";

export interface AdaptiveClipOptions {
  /** λ: largest ratio of norms. Default: 0.01. */
  limit?: number;
  /** Least norm that weights are taken to have, so that those at 0 can grow. Default: 1e-3. */
  least?: number;
}

/**
 * Scales the gradient of each unit down to λ max(‖W_i‖, least) where its norm is above that. A unit is a filter of a
 * convolution [filters, channels, …], an output of a dense layer [inputs, outputs], or a vector or scalar as a whole.
 *
 * The paper does not clip the last layer: leave it out of the trees.
 *
 * Source: Brock et al., "High-Performance Large-Scale Image Recognition Without Normalization" (2021), equation 3.
 */
export function clipAdaptively<P>(
  gradients: P,
  params: P,
  { limit = 0.01, least = 1e-3 }: AdaptiveClipOptions = {},
): P {
  requireNumber("clipAdaptively", "limit", limit, Number.MIN_VALUE);
  requireNumber("clipAdaptively", "least", least, Number.MIN_VALUE);
  return zipTrees([gradients, params], (g, w) => {
    const most = multiply(maximum(unitNorms(w!), least), limit);
    const size = unitNorms(g!);
    const tooLarge = greater(size, most);
    return multiply(g!, where(tooLarge, divide(most, where(tooLarge, size, 1)), 1));
  });
}

/** Norms of units, in a shape that spreads over the tensor. */
function unitNorms(x: Tensor): Tensor {
  const isVector = x.shape.filter((size) => size !== 1).length <= 1;
  const axis = isVector
    ? x.shape.map((_, i) => i)
    : x.shape.length === 2
      ? [0]
      : x.shape.map((_, i) => i).slice(1);
  return x.shape.length === 0 ? norm(x) : norm(x, { axis, keepDims: true });
}
