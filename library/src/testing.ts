/** Gradient checking: gradients against central differences, for any number of functions at once. */
import { compile } from "./runtime/index.ts";
import {
  add,
  type DType,
  fromData,
  grad,
  multiply,
  sum,
  type Tensor,
  valueAndGrad,
  values,
} from "./tensor/index.ts";
import { allocate, isFloat } from "./tensor/tensor.ts";
import { leaves, mapTree } from "./tree.ts";

export interface GradientCase<P> {
  /** From a tree of tensors to a float scalar. */
  f: (params: P) => Tensor;
  /** Where to check. Float tensors are converted to the element type of the check, others stay. */
  params: P;
}

export interface GradientCheck {
  /** Largest |analytic − numeric| / max(1, |analytic|, |numeric|) over all elements. */
  error: number;
  /** Where it was found: number of the float tensor in the tree, and of the element in it. */
  at: { tensor: number; element: number };
  value: number;
  gradients: Float64Array[];
}

export interface GradientOptions {
  /** Distance of the differences. Default: 1e-5, for an error of about 1e-9 in smooth float64 functions. */
  step?: number;
  /** Default: float64. For float32 take a step near 1e-2 and expect errors near 1e-3. */
  dtype?: "float32" | "float64";
}

/**
 * Compares the gradient of a scalar function with central differences.
 *
 * @throws Error if the value or a gradient is not finite, naming the element.
 */
export async function checkGradient<P>(
  f: (params: P) => Tensor,
  params: P,
  options: GradientOptions = {},
): Promise<GradientCheck> {
  return (await checkGradients([{ f, params }], options))[0]!;
}

// The functions under check are small: starting threads would take longer than computing.
const oneThread = { threads: 1 };

/**
 * `checkGradient` for many functions in one graph: each run of it moves one element of every function's
 * parameters, so that the number of runs is that of the largest function alone.
 *
 * @throws Error if a value or a gradient is not finite, naming the function's number and the element.
 */
export async function checkGradients(
  // biome-ignore lint/suspicious/noExplicitAny: each case has a parameter tree of its own type
  cases: readonly GradientCase<any>[],
  { step = 1e-5, dtype = "float64" }: GradientOptions = {},
): Promise<GradientCheck[]> {
  const points = cases.map(({ params }) => mapTree(params, (x) => converted(x, dtype)));
  const value = compile((trees: typeof points) => cases.map(({ f }, i) => f(trees[i])), oneThread);
  const both = compile(
    (trees: typeof points) => cases.map(({ f }, i) => valueAndGrad(f)(trees[i])),
    oneThread,
  );
  const checks = (await both(points)).map(([result, gradientTree], i): GradientCheck => {
    const gradients = floats(gradientTree).map((g) => Float64Array.from(values(g)));
    const check = { error: 0, at: { tensor: -1, element: -1 }, value: values(result)[0]!, gradients };
    if (!Number.isFinite(check.value)) throw new Error(`function ${i}: its value is ${check.value}`);
    for (const [tensor, gradient] of gradients.entries()) {
      const element = gradient.findIndex((g) => !Number.isFinite(g));
      if (element >= 0)
        throw new Error(`function ${i}: gradient ${tensor}[${element}] is ${gradient[element]}`);
    }
    return check;
  });
  const places = checks.map(({ gradients }) =>
    gradients.flatMap((gradient, tensor) => Array.from(gradient, (_, element) => ({ tensor, element }))),
  );
  const moved = (turn: number, by: number) =>
    value(points.map((point, i) => (places[i]![turn] ? move(point, places[i]![turn]!, by) : point)));
  const turns = Math.max(0, ...places.map((list) => list.length));
  for (let turn = 0; turn < turns; turn++) {
    const above = await moved(turn, step);
    const below = await moved(turn, -step);
    checks.forEach((check, i) => {
      const at = places[i]![turn];
      if (!at) return;
      const analytic = check.gradients[at.tensor]![at.element]!;
      const numeric = (values(above[i]!)[0]! - values(below[i]!)[0]!) / (2 * step);
      const error = Math.abs(analytic - numeric) / Math.max(1, Math.abs(analytic), Math.abs(numeric));
      if (!(error <= check.error)) Object.assign(check, { error, at });
    });
  }
  return checks;
}

/**
 * The derivative of f along a direction, as a function of the point. Its gradient is the Hessian's
 * product with the direction, so that checking it checks second derivatives.
 */
export function slopeAlong<P>(f: (params: P) => Tensor, direction: P): (params: P) => Tensor {
  return (params) => innerProduct(grad(f)(params), direction);
}

/** The sum of products of all float elements of two trees of one form. */
export function innerProduct(a: unknown, b: unknown): Tensor {
  const right = floats(b);
  return floats(a)
    .map((x, i) => sum(multiply(x, right[i]!)))
    .reduce((total, term) => add(total, term));
}

const floats = (tree: unknown): Tensor[] => leaves(tree).filter((x) => isFloat(x.dtype));

function converted(x: Tensor, dtype: DType): Tensor {
  if (!isFloat(x.dtype)) return x;
  const data = allocate(dtype, values(x).length);
  data.set(values(x));
  return fromData(data, x.shape, dtype);
}

/** The tree with one element of one of its float tensors changed. */
function move<P>(tree: P, at: { tensor: number; element: number }, by: number): P {
  const target = floats(tree)[at.tensor];
  return mapTree(tree, (x) => {
    if (x !== target) return x;
    const data = values(x).slice();
    data[at.element]! += by;
    return fromData(data, x.shape, x.dtype);
  });
}
