/** Gradient checking: an objective's gradient against central differences, in float64. */
import { compile } from "./runtime/index.ts";
import { fromData, isTensor, type Tensor, valueAndGrad, values } from "./tensor/index.ts";
import { leaves, mapTree } from "./tree.ts";

export interface GradientCheck {
  /** Largest |analytic − numeric| / max(1, |analytic|, |numeric|) over all elements. */
  error: number;
  /** Where it was found: number of the tensor in the tree, and of the element in it. */
  at: { tensor: number; element: number };
  value: number;
  gradients: Float64Array[];
}

/**
 * Compares the gradient of a scalar function with central differences.
 *
 * @param f From a tree of float64 tensors to a float64 scalar.
 * @param params Where to check; float32 tensors are converted.
 * @param options.step Distance of the differences. Default: 1e-5, for an error of about 1e-9 in smooth functions.
 * @throws Error if the value or a gradient is not finite, naming the element.
 */
export async function checkGradient<P>(
  f: (params: P) => Tensor,
  params: P,
  { step = 1e-5 }: { step?: number } = {},
): Promise<GradientCheck> {
  const point = mapTree(params, (x) => fromData(Float64Array.from(values(x)), x.shape, "float64"));
  const run = compile(valueAndGrad(f));
  const at = async (p: P): Promise<number> => {
    const [result] = await run(p);
    return values(isTensor(result) ? result : result[0])[0]!;
  };
  const [first, gradientTree] = await run(point);
  const value = values(first)[0]!;
  const gradients = leaves(gradientTree).map((g) => values(g) as Float64Array);
  const worst: GradientCheck = { error: 0, at: { tensor: -1, element: -1 }, value, gradients };
  if (!Number.isFinite(value)) throw new Error(`the function's value is ${value}`);
  for (const [tensor, x] of leaves(point).entries()) {
    const data = values(x);
    for (let element = 0; element < data.length; element++) {
      const analytic = gradients[tensor]![element]!;
      if (!Number.isFinite(analytic)) throw new Error(`gradient ${tensor}[${element}] is ${analytic}`);
      const original = data[element]!;
      data[element] = original + step;
      const above = await at(point);
      data[element] = original - step;
      const below = await at(point);
      data[element] = original;
      const numeric = (above - below) / (2 * step);
      const error = Math.abs(analytic - numeric) / Math.max(1, Math.abs(analytic), Math.abs(numeric));
      if (!(error <= worst.error)) Object.assign(worst, { error, at: { tensor, element } });
    }
  }
  return worst;
}
