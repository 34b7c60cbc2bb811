/** Fully connected layers. */
import { add, matmul, relu, type Tensor } from "../tensor/index.ts";
import { glorotUniform, type Initializer, zeroFill } from "./initializers.ts";
import { type Layer, requireCount } from "./layer.ts";

export interface Dense {
  /** [inputs, outputs] */
  weight: Tensor;
  /** [outputs]; absent in a layer without bias. */
  bias?: Tensor;
}

export interface DenseOptions {
  /** Default: `glorotUniform`. */
  weight?: Initializer;
  /** Whether there is a bias, which starts at zero. Default: true. */
  bias?: boolean;
}

/** x W + b: [..., inputs] → [..., outputs]. */
export function dense(
  inputs: number,
  outputs: number,
  { weight = glorotUniform, bias = true }: DenseOptions = {},
): Layer<Dense> {
  requireCount("dense", "inputs", inputs);
  requireCount("dense", "outputs", outputs);
  return {
    init: (random) => ({
      weight: weight(random, [inputs, outputs]),
      ...(bias ? { bias: zeroFill(random, [outputs]) } : {}),
    }),
    apply: (params, x) => {
      const product = matmul(x, params.weight);
      return params.bias ? add(product, params.bias) : product;
    },
  };
}

/**
 * Dense layers with an activation between them (not after the last).
 *
 * @param widths Of the input, the hidden layers and the output, for instance [784, 256, 10].
 * @param options.weight How the weights start. Default: `glorotUniform`.
 */
export function mlp(
  widths: readonly number[],
  activation: (x: Tensor) => Tensor = relu,
  options: DenseOptions = {},
): Layer<Dense[]> {
  if (widths.length < 2)
    throw new RangeError(`mlp: widths has ${widths.length} entries; expected at least two`);
  const layers = widths.slice(1).map((width, i) => dense(widths[i]!, width, options));
  return {
    init: (random) => layers.map((layer, i) => layer.init(random.split(i))),
    apply: (params, x) =>
      layers.reduce((hidden, layer, i) => layer.apply(params[i]!, i === 0 ? hidden : activation(hidden)), x),
  };
}
