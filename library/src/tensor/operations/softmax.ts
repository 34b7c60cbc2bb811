/** Softmax and its logarithm. */
import { describe, expression, normalizeAxis, type Operation, type Tensor } from "../tensor.ts";
import { alongAxis } from "./batch.ts";
import { exp, multiply, subtract } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import { floats, requireType } from "./types.ts";

function softmaxLike(name: string, type: string, vjp: (g: Tensor, y: Tensor, axis: number) => Tensor) {
  const operation: Operation = {
    name,
    emit: (graph, [x], node) => graph.node(type, [x!], { axis: node.attributes.axis as number }),
    vjp: (g, node) => [vjp(g, node, node.attributes.axis as number)],
    batch: alongAxis,
  };
  return (x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor => {
    requireType(name, floats, x);
    const a = normalizeAxis(name, axis, x.shape.length);
    if (x.shape[a] === 0) throw new RangeError(`${name}: axis ${a} of ${describe(x)} is empty`);
    return expression(operation, [x], x.shape, x.dtype, { axis: a });
  };
}

/** eˣ / Σ eˣ along an axis (default: the last), without overflow. */
export const softmax = softmaxLike("softmax", "Softmax", (g, y, axis) => {
  const weighted = multiply(g, y);
  return subtract(weighted, multiply(y, sum(weighted, { axis, keepDims: true })));
});

/** x − log Σ eˣ along an axis (default: the last), without overflow. */
export const logSoftmax = softmaxLike("logSoftmax", "LogSoftmax", (g, y, axis) =>
  subtract(g, multiply(exp(y), sum(g, { axis, keepDims: true }))),
);
