/**
 * How operations treat a whole batch at once, for `vmap`. A rule is given inputs of which some have a
 * new leading axis, and returns the result with that axis in front.
 */
import { type Batch, expression, type Tensor } from "../tensor.ts";
import { broadcastTo, expandDims, reshape, slice, stack } from "./shape.ts";

/** Gives an input the leading axis if it lacks it. */
export function withBatch(x: Tensor, i: number, { size, batched }: Batch): Tensor {
  return batched[i] ? x : broadcastTo(expandDims(x, 0), [size, ...x.shape]);
}

/** A batched input with axes of length 1 behind the leading one, until an example has this rank. */
export function withRank(x: Tensor, i: number, { size, batched }: Batch, rank: number): Tensor {
  if (!batched[i]) return x;
  const own = x.shape.slice(1);
  return reshape(x, [size, ...Array<number>(Math.max(0, rank - own.length)).fill(1), ...own]);
}

// Functions, not constants: modules that import each other read these while they are loaded.

/** For what works element by element and broadcasts. */
export function elementwise(inputs: readonly Tensor[], batch: Batch, node: Tensor): Tensor {
  const aligned = inputs.map((x, i) => withRank(x, i, batch, node.shape.length));
  return expression(node.operation, aligned, [batch.size, ...node.shape], node.dtype, node.attributes);
}

/** For what works along one axis, the attribute `axis`, counted from the front. */
export function alongAxis(inputs: readonly Tensor[], batch: Batch, node: Tensor): Tensor {
  const all = inputs.map((x, i) => withBatch(x, i, batch));
  const attributes = { ...node.attributes, axis: (node.attributes.axis as number) + 1 };
  return expression(node.operation, all, [batch.size, ...node.shape], node.dtype, attributes);
}

/** For what treats the elements of its own first axis alike: both axes become one. */
export function withinFirstAxis(inputs: readonly Tensor[], batch: Batch, node: Tensor): Tensor {
  const [n, ...rest] = node.shape as [number, ...number[]];
  const all = inputs.map((x, i) => mergeFirst(withBatch(x, i, batch)));
  const merged = expression(node.operation, all, [batch.size * n, ...rest], node.dtype, node.attributes);
  return reshape(merged, [batch.size, n, ...rest]);
}

/** The rule of operations that have none: one example after the other. */
export function oneByOne(inputs: readonly Tensor[], { size, batched }: Batch, node: Tensor): Tensor {
  const examples = Array.from({ length: size }, (_, example) => {
    const own = inputs.map((x, i) => (batched[i] ? slice(x, [example]) : x));
    return expression(node.operation, own, node.shape, node.dtype, node.attributes);
  });
  return stack(examples);
}

/** [a, b, …] as [a · b, …]. */
export function mergeFirst(x: Tensor): Tensor {
  const [a, b, ...rest] = x.shape as [number, number, ...number[]];
  return reshape(x, [a * b, ...rest]);
}
