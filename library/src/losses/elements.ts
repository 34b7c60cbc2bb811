/** What losses over elements (numbers, pixels) share. */
import { mean, type Tensor } from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";

/** Means over all axes but the first: [n, …] → [n]. */
export function perExample(loss: string, elements: Tensor): Tensor {
  if (elements.shape.length === 0)
    throw new RangeError(`${loss}: predictions is ${describe(elements)}; expected [n, …]`);
  const axes = elements.shape.slice(1).map((_, i) => i + 1);
  return axes.length === 0 ? elements : mean(elements, { axis: axes });
}

/** Checks two tensors whose elements are compared one by one. */
export function requireSameShape(loss: string, predictions: Tensor, targets: Tensor): void {
  if (!sameShape(predictions.shape, targets.shape) || predictions.dtype !== targets.dtype) {
    throw new RangeError(
      `${loss}: targets is ${describe(targets)}; expected ${describe(predictions)}, as predictions`,
    );
  }
}
