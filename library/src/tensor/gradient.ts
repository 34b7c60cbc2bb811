/**
 * Differentiation of expressions. Gradients are ordinary tensors, so every transformation here can
 * be applied to its own result.
 */
import { leaves, mapTree, zipTrees } from "../tree.ts";
import { elementwise, withBatch } from "./operations/batch.ts";
import { add, zerosLike } from "./operations/elementwise.ts";
import { sum } from "./operations/reduce.ts";
import { ones } from "./operations/shape.ts";
import { stopGradient } from "./operations/stop.ts";
import {
  describe,
  expression,
  input,
  isFloat,
  isTensor,
  type Operation,
  sameShape,
  type Tensor,
} from "./tensor.ts";
import { batchOf } from "./vmap.ts";

/** A name for a value; gives a function's parameter an identity of its own. */
const variableOperation: Operation = {
  name: "variable",
  emit: (_graph, [x]) => x!,
  vjp: (g) => [g],
  batch: elementwise,
};

const variable = (x: Tensor): Tensor => expression(variableOperation, [x], x.shape, x.dtype);

type CustomVjp = (cotangent: Tensor) => (Tensor | undefined)[];

const customOperation: Operation = {
  name: "customGradient",
  emit: (_graph, [x]) => x!,
  vjp: (g, node) => [undefined, ...(node.attributes.vjp as CustomVjp)(g)],
  batch: (inputs, batch, node) => {
    const { size, batched, known } = batch;
    const vjp: CustomVjp = (g) => {
      const one = input(node.shape, node.dtype);
      const contributions = (node.attributes.vjp as CustomVjp)(one);
      return contributions.map((contribution, i) => {
        if (!contribution) return undefined;
        const [each] = batchOf([contribution], new Map([...known, [one, g]]), size);
        return batched[i + 1] ? each! : sum(each!, { axis: 0 });
      });
    };
    const result = withBatch(inputs[0]!, 0, batch);
    return expression(customOperation, [result, ...inputs.slice(1)], result.shape, result.dtype, { vjp });
  },
};

/**
 * A function with a gradient of your own.
 *
 * @param forward Computes the result.
 * @param backward Given the cotangent of the result, the result and the arguments, returns the cotangent
 *   of each argument (undefined for none).
 */
export function customGradient<Arguments extends Tensor[]>(
  forward: (...inputs: Arguments) => Tensor,
  backward: (cotangent: Tensor, result: Tensor, ...inputs: Arguments) => (Tensor | undefined)[],
): (...inputs: Arguments) => Tensor {
  return (...inputs) => {
    const result = forward(...inputs);
    const vjp: CustomVjp = (g) => backward(g, result, ...inputs);
    return expression(customOperation, [result, ...inputs], result.shape, result.dtype, { vjp });
  };
}

/** The value of `forward` with the gradient of `backward` (straight-through estimators). */
export function straightThrough(forward: Tensor, backward: Tensor): Tensor {
  requireLike("straightThrough: forward", forward, backward);
  return customGradient(
    (_x: Tensor) => stopGradient(forward),
    (g) => [g],
  )(backward);
}

/**
 * Carries cotangents from results back to variables.
 *
 * @returns For each variable the sum over all paths, or undefined if the results do not depend on it.
 */
function backpropagate(
  results: readonly Tensor[],
  cotangents: readonly Tensor[],
  variables: readonly Tensor[],
): (Tensor | undefined)[] {
  const needed = dependents(results, variables);
  const gradients = new Map<Tensor, Tensor>();
  const accumulate = (target: Tensor, cotangent: Tensor) => {
    const before = gradients.get(target);
    gradients.set(target, before ? add(before, cotangent) : cotangent);
  };
  results.forEach((result, i) => {
    if (needed.has(result)) accumulate(result, cotangents[i]!);
  });
  // Inputs have smaller ids than what is built of them: falling ids visit every user before its inputs.
  for (const node of [...needed].sort((a, b) => b.id - a.id)) {
    const cotangent = gradients.get(node);
    if (!cotangent || node.inputs.length === 0 || !node.operation.vjp) continue;
    const contributions = node.operation.vjp(cotangent, node);
    node.inputs.forEach((source, i) => {
      const contribution = contributions[i];
      if (!contribution || !needed.has(source)) return;
      requireLike(`${node.operation.name}: its gradient`, contribution, source);
      accumulate(source, contribution);
    });
  }
  return variables.map((v) => gradients.get(v));
}

/** The expressions between variables and results through which a gradient can flow. */
function dependents(results: readonly Tensor[], variables: readonly Tensor[]): Set<Tensor> {
  const targets = new Set(variables);
  const known = new Map<Tensor, boolean>();
  const stack = [...results];
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!;
    if (known.has(node)) {
      stack.pop();
      continue;
    }
    const open = isFloat(node.dtype) ? node.inputs.filter((source) => !known.has(source)) : [];
    if (open.length > 0) {
      stack.push(...open);
      continue;
    }
    stack.pop();
    const flows = node.inputs.some((source) => known.get(source)) && node.operation.vjp !== undefined;
    known.set(node, isFloat(node.dtype) && (targets.has(node) || flows));
  }
  return new Set([...known].filter(([, depends]) => depends).map(([node]) => node));
}

/** Checks that a cotangent or tangent has the shape and type of what it belongs to. */
function requireLike(name: string, given: Tensor, expected: Tensor): void {
  if (!sameShape(given.shape, expected.shape) || given.dtype !== expected.dtype) {
    throw new RangeError(`${name} ${describe(given)} does not fit ${describe(expected)}`);
  }
}

function requireScalar(name: string, value: Tensor): void {
  if (value.shape.length !== 0 || !isFloat(value.dtype)) {
    throw new RangeError(
      `${name}: the function returned ${describe(value)}; expected a float scalar (take its mean or sum)`,
    );
  }
}

/**
 * The value of a scalar function and its gradient with respect to the first argument.
 *
 * @param loss Takes a tree of tensors, and any further arguments that are not differentiated. Returns a
 *   scalar, or `[scalar, auxiliary]` with anything else that you want to keep.
 * @returns A function that returns `[value, gradients]` (or `[[value, auxiliary], gradients]`); the gradients
 *   form the same tree as the argument. Tensors that the loss does not depend on get zeros.
 * @throws RangeError if the loss is not a scalar.
 */
export function valueAndGrad<P, Rest extends unknown[], Result extends Tensor | readonly [Tensor, unknown]>(
  loss: (params: P, ...rest: Rest) => Result,
): (params: P, ...rest: Rest) => [Result, P] {
  return (params, ...rest) => {
    const variables: Tensor[] = [];
    const tree = mapTree(params, (x) => {
      const v = variable(x);
      variables.push(v);
      return v;
    });
    const result = loss(tree, ...rest);
    const value = isTensor(result) ? result : (result as readonly [Tensor, unknown])[0];
    requireScalar("valueAndGrad", value);
    const gradients = backpropagate([value], [ones([], value.dtype)], variables);
    return [result, mapTree(params, (x, i) => gradients[i] ?? zerosLike(x))];
  };
}

/** The gradient of a scalar function with respect to its first argument; see `valueAndGrad`. */
export function grad<P, Rest extends unknown[]>(
  loss: (params: P, ...rest: Rest) => Tensor,
): (params: P, ...rest: Rest) => P {
  const both = valueAndGrad(loss);
  return (params, ...rest) => both(params, ...rest)[1];
}

/**
 * A function's result and the map that carries cotangents of the result back to the argument.
 *
 * @param f From a tree of tensors to a tree of tensors.
 * @throws RangeError, when the map is applied, if a cotangent has not its result's shape and type.
 */
export function vjp<P, R>(f: (params: P) => R, params: P): [R, (cotangents: R) => P] {
  const variables: Tensor[] = [];
  const tree = mapTree(params, (x) => {
    const v = variable(x);
    variables.push(v);
    return v;
  });
  const result = f(tree);
  const results = leaves(result);
  return [
    result,
    (cotangents) => {
      const given: Tensor[] = [];
      zipTrees([result, cotangents], (x, cotangent) => {
        requireLike("vjp: cotangent", cotangent!, x!);
        given.push(cotangent!);
      });
      const gradients = backpropagate(results, given, variables);
      return mapTree(params, (x, i) => gradients[i] ?? zerosLike(x));
    },
  ];
}

/**
 * A function's result and its directional derivative at `params` along `tangents`.
 *
 * The backward map is linear in the cotangent; its own backward map is the forward derivative.
 */
export function jvp<P, R>(f: (params: P) => R, params: P, tangents: P): [R, R] {
  zipTrees([params, tangents], (x, tangent) => requireLike("jvp: tangent", tangent!, x!));
  const [result, pull] = vjp(f, params);
  const dummies = mapTree(result, (x) => zerosLike(x));
  const [, push] = vjp(pull, dummies);
  return [result, push(tangents)];
}

/** The product of the Hessian of a scalar function with a direction, without building the Hessian. */
export function hessianVectorProduct<P>(loss: (params: P) => Tensor, params: P, direction: P): P {
  return jvp(grad(loss), params, direction)[1];
}
