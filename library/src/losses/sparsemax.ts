/** The loss that belongs to the sparsemax; see `sparsemax` in nn/normalizers for the map itself. */
import { sparsemax } from "../nn/normalizers.ts";
import {
  add,
  customGradient,
  expandDims,
  max,
  multiply,
  oneHot,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce, requireLabelled } from "./reduction.ts";

/**
 * Sparsemax loss: ½ ‖q‖² − q·z + ½ Σ_{j∈S} (z_j² − τ²), with support S and threshold τ of p = sparsemax(z).
 * Its gradient is p − q. Convex, at least 0, and 0 exactly where p = q: for one label where its score leads
 * all others by 1 or more.
 *
 * Source: Martins and Astudillo, "From Softmax to Sparsemax: A Sparse Model of Attention and Multi-Label
 * Classification" (2016), equations 16 and 25.
 *
 * @param logits z, [n, classes]
 * @param targets int32 [n], one label each; or q, [n, classes] of the logits' element type, each row at
 *   least 0 with sum 1, for instance even over the labels that are present.
 * @returns A scalar, or [n] with reduction "none".
 */
export function sparsemaxLoss(logits: Tensor, targets: Tensor, { reduction }: LossOptions = {}): Tensor {
  const q = asShares("sparsemaxLoss", logits, targets);
  const losses = customGradient(
    (z: Tensor, wanted: Tensor) => {
      // With p = sparsemax(z): Σ_S (z² − τ²) = Σ p (z + τ) and z − p = τ on S, so that the loss is
      // ½ ‖q‖² − q·z + p·z − ½ ‖p‖². A common shift of z changes nothing.
      const shifted = subtract(z, stopGradient(max(z, { axis: 1, keepDims: true })));
      const p = sparsemax(shifted);
      const gap = subtract(p, wanted);
      const products = sum(multiply(gap, shifted), { axis: 1 });
      const squares = sum(subtract(square(wanted), square(p)), { axis: 1 });
      return add(products, multiply(squares, 0.5));
    },
    (g, _losses, z, wanted) => [multiply(subtract(sparsemax(z), wanted), expandDims(g, 1)), undefined],
  );
  return reduce(losses(logits, q), reduction);
}

/** Labels as one-hot rows; distributions as they are. */
function asShares(name: string, logits: Tensor, targets: Tensor): Tensor {
  if (targets.dtype === "int32") {
    requireLabelled(name, logits, targets);
    return oneHot(targets, logits.shape[1]!, logits.dtype);
  }
  if (logits.shape.length !== 2)
    throw new RangeError(`${name}: logits is ${describe(logits)}; expected [n, classes]`);
  if (targets.dtype !== logits.dtype || !sameShape(targets.shape, logits.shape))
    throw new RangeError(
      `${name}: targets is ${describe(targets)}; expected int32 [${logits.shape[0]}] or shares like ${describe(logits)}`,
    );
  return targets;
}
