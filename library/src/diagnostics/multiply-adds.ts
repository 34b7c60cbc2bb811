/** How much work an expression is. */

import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { leaves } from "../tree.ts";

/**
 * Multiplications with additions in the products and convolutions that tensors are made of, each expression counted
 * once; what works element by element is left out. A training step takes about three times as many as its forward pass.
 *
 * @param outputs A tree of tensors.
 */
export function multiplyAdds(outputs: unknown): number {
  const seen = new Set<Tensor>();
  const open = [...leaves(outputs)];
  let total = 0;
  while (open.length > 0) {
    const node = open.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...node.inputs);
    total += workOf(node);
  }
  return total;
}

function workOf({ operation, inputs, shape, attributes }: Tensor): number {
  const [first, second] = inputs;
  switch (operation.name) {
    case "matmul": {
      const inner = first!.shape.at(attributes.transposeA ? -2 : -1)!;
      return sizeOf(shape) * inner;
    }
    case "conv2d":
      return sizeOf(shape) * sizeOf(second!.shape.slice(1));
    // Sums over the result of the convolution that they belong to.
    case "conv2dInputGradient":
      return sizeOf(first!.shape) * sizeOf(second!.shape.slice(1));
    case "conv2dWeightGradient":
      return sizeOf(second!.shape) * sizeOf(shape.slice(1));
    default:
      return 0;
  }
}
