/**
 * Proper losses with a link that is learned: scores go through the gradient of a convex function, and then
 * through a softmax with one class as reference. Whatever the convex function, the negative log-likelihood
 * of the result is a proper loss.
 *
 * Source: Lam, Walder, Penev and Nock, "LegendreTron: Uprising Proper Multiclass Loss Learning" (2023); the
 * convex network is that of Huang et al., "Convex Potential Flows" (2021), appendix.
 */
import { type Dense, dense } from "../nn/dense.ts";
import { zeroFill } from "../nn/initializers.ts";
import { type Layer, requireCount } from "../nn/layer.ts";
import type { Random } from "../random.ts";
import { evaluate } from "../runtime/index.ts";
import {
  add,
  concat,
  exp,
  expandDims,
  fromData,
  grad,
  logSoftmax,
  matmul,
  multiply,
  softplus,
  square,
  squeeze,
  sum,
  type Tensor,
  values,
  zeros,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/**
 * Log-probabilities of C classes from C − 1 scores, the last class having the score 0:
 * a_c − log(1 + Σ_j e^{a_j}).
 *
 * Source: Lam et al. (2023), equation 9 (softmax⁺).
 *
 * @param scores a, [n, C − 1]
 * @returns [n, C]
 */
export function logSoftmaxPlus(scores: Tensor): Tensor {
  if (scores.shape.length !== 2)
    throw new RangeError(`logSoftmaxPlus: scores is ${describe(scores)}; expected [n, classes − 1]`);
  return logSoftmax(concat([scores, zeros([scores.shape[0]!, 1], scores.dtype as "float32")], 1));
}

export interface ConvexLayer {
  /** Before the softplus that makes the weights positive: [hidden, hidden / 2] and [hidden / 2]. */
  positive: { weight: Tensor; bias: Tensor };
  skip: Dense;
  /** Shift and logarithm of the scale, [hidden / 2]. */
  shift: Tensor;
  logScale: Tensor;
  side: Dense;
}

/** Weights of an input-convex network, see `icnn`. */
export interface ConvexNetwork {
  first: Dense;
  inner: ConvexLayer[];
  last: { positive: Tensor; skip: Dense; logScale: Tensor };
}

export interface ConvexOptions {
  /** Units of a hidden layer, an even number. Default: 4. */
  hidden?: number;
  /** Hidden layers. Default: 4. */
  depth?: number;
}

/**
 * A network whose output is convex in its input: [n, inputs] → [n]. Hidden units are softplus of positive
 * sums of hidden units plus any linear function of the input; half of each layer sees the input alone.
 *
 * @param inputs Width of the input.
 */
export function icnn(inputs: number, { hidden = 4, depth = 4 }: ConvexOptions = {}): Layer<ConvexNetwork> {
  requireCount("icnn", "depth", depth);
  if (!(Number.isInteger(hidden) && hidden >= 2 && hidden % 2 === 0))
    throw new RangeError(`icnn: hidden is ${hidden}; expected an even number of at least 2`);
  const half = hidden / 2;
  const linear = (outputs: number, bias = true) =>
    dense(inputs, outputs, { weight: (random, shape) => even(random, shape, inputs), bias });
  return {
    init: (random) => ({
      first: linear(hidden).init(random.split("first")),
      inner: Array.from({ length: depth - 1 }, (_, l) => {
        const draw = random.split(l);
        return {
          positive: {
            weight: even(draw.split("weight"), [hidden, half], hidden),
            bias: even(draw.split("bias"), [half], hidden),
          },
          skip: linear(half).init(draw.split("skip")),
          shift: zeroFill(draw, [half]),
          logScale: zeroFill(draw, [half]),
          side: linear(half).init(draw.split("side")),
        };
      }),
      last: {
        positive: even(random.split("last"), [hidden, 1], hidden),
        skip: linear(1, false).init(random.split("last skip")),
        logScale: zeroFill(random, [1]),
      },
    }),
    apply: convexOutput,
  };
}

function convexOutput(params: ConvexNetwork, x: Tensor): Tensor {
  let h = firstUnits(params, x);
  for (const layer of params.inner) h = nextUnits(layer, sums(layer, h, x), x);
  return lastSum(params, h, x);
}

const affine = (params: Dense, x: Tensor): Tensor => {
  const product = matmul(x, params.weight);
  return params.bias ? add(product, params.bias) : product;
};

// A mean with positive weights: the factor keeps it from growing with the width.
const positiveMean = (h: Tensor, weight: Tensor) => multiply(matmul(h, softplus(weight)), 1 / h.shape[1]!);

const firstUnits = ({ first }: ConvexNetwork, x: Tensor) => softplus(affine(first, x));

/** What a hidden layer normalises. */
function sums({ positive, skip }: ConvexLayer, h: Tensor, x: Tensor): Tensor {
  const mixed = add(positiveMean(h, positive.weight), multiply(positive.bias, 1 / h.shape[1]!));
  return add(mixed, affine(skip, x));
}

function nextUnits({ shift, logScale, side }: ConvexLayer, total: Tensor, x: Tensor): Tensor {
  const normalized = multiply(add(total, shift), exp(logScale));
  return concat([softplus(normalized), softplus(affine(side, x))], 1);
}

function lastSum({ last }: ConvexNetwork, h: Tensor, x: Tensor): Tensor {
  const total = add(positiveMean(h, last.positive), affine(last.skip, x));
  return squeeze(multiply(total, exp(last.logScale)), 1);
}

/**
 * Shifts and scales that give the normalised sums of a link's networks mean 0 and variance 1 on these
 * scores, as the official code sets them from the first batch. Without it the networks start almost linear.
 *
 * @param params From `legendreLink(…).init`.
 * @param scores Concrete, [n, C − 1], of examples such as the first batch.
 */
export async function standardizeLink(
  params: readonly ConvexGradient[],
  scores: Tensor,
): Promise<ConvexGradient[]> {
  const blocks: ConvexGradient[] = [];
  let z = scores;
  for (const block of params) {
    const network = { ...block.network, inner: [...block.network.inner] };
    let h = await evaluate(firstUnits(network, z));
    for (const [l, layer] of network.inner.entries()) {
      const total = await evaluate(sums(layer, h, z));
      const { shift, logScale } = standardizing(total);
      const standardized = { ...layer, shift, logScale };
      network.inner[l] = standardized;
      h = await evaluate(nextUnits(standardized, total, z));
    }
    const unscaled = { ...network.last, logScale: fromData(Float32Array.of(0), [1]) };
    const total = await evaluate(lastSum({ ...network, last: unscaled }, h, z));
    network.last = { ...unscaled, logScale: standardizing(expandDims(total, 1)).logScale };
    const standardized = { ...block, network };
    blocks.push(standardized);
    z = await evaluate(gradientMap(standardized, z));
  }
  return blocks;
}
export interface ConvexGradient {
  network: ConvexNetwork;
  /** Before the softplus: weights of ½ ‖z‖² and of the network. */
  square: Tensor;
  mix: Tensor;
}

/**
 * z ↦ ∇Φ(z) for Φ(z) = softplus(w₁) · icnn(z) + softplus(w₀) · ½ ‖z‖²: strictly monotone and so invertible.
 * It starts with softplus(w₀) = 1, near the identity.
 *
 * Source: Lam et al. (2023), section 4.
 */
export function convexGradient(width: number, options: ConvexOptions = {}): Layer<ConvexGradient> {
  const network = icnn(width, options);
  return {
    init: (random) => ({
      network: network.init(random),
      square: fromData(Float32Array.of(Math.log(Math.E - 1)), []),
      mix: fromData(Float32Array.of(0), []),
    }),
    apply: gradientMap,
  };
}

function gradientMap(params: ConvexGradient, z: Tensor): Tensor {
  const potential = (at: Tensor) => {
    const squares = multiply(multiply(sum(square(at)), 0.5), softplus(params.square));
    return add(multiply(sum(convexOutput(params.network, at)), softplus(params.mix)), squares);
  };
  return grad(potential)(z);
}

/**
 * LegendreTron's link: C − 1 scores to log-probabilities of C classes, softmax⁺ after convex gradients.
 * With one block the link is canonical; train it by the negative log-likelihood of the labels.
 *
 * Source: Lam et al. (2023), algorithm 1.
 *
 * @param classes C, at least 2.
 * @param options.blocks Convex gradients one after the other. Default: 1.
 */
export function legendreLink(
  classes: number,
  { blocks = 1, ...options }: ConvexOptions & { blocks?: number } = {},
): Layer<ConvexGradient[]> {
  if (!(Number.isInteger(classes) && classes >= 2))
    throw new RangeError(`legendreLink: classes is ${classes}; expected a whole number of at least 2`);
  requireCount("legendreLink", "blocks", blocks);
  const maps = Array.from({ length: blocks }, () => convexGradient(classes - 1, options));
  return {
    init: (random) => maps.map((map, i) => map.init(random.split(i))),
    apply: (params, scores) => logSoftmaxPlus(maps.reduce((z, map, i) => map.apply(params[i]!, z), scores)),
  };
}

/** Minus the mean of each column of concrete sums [n, width], and minus the logarithm of its deviation. */
function standardizing(total: Tensor): { shift: Tensor; logScale: Tensor } {
  const [n, width] = total.shape as [number, number];
  const data = values(total);
  const [means, squares] = [new Float64Array(width), new Float64Array(width)];
  for (let at = 0; at < data.length; at++) means[at % width]! += data[at]! / n;
  for (let at = 0; at < data.length; at++) squares[at % width]! += (data[at]! - means[at % width]!) ** 2 / n;
  return {
    shift: fromData(
      Float32Array.from(means, (mean) => -mean),
      [width],
    ),
    logScale: fromData(
      Float32Array.from(squares, (square) => -Math.log(Math.sqrt(square) + 1e-6)),
      [width],
    ),
  };
}

/** Uniform between ± 1/√inputs. */
function even(random: Random, shape: readonly number[], inputs: number): Tensor {
  const bound = 1 / Math.sqrt(inputs);
  const size = shape.reduce((product, length) => product * length, 1);
  return fromData(random.uniform(size, -bound, bound), shape);
}
