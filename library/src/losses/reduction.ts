import { mean, sum, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export type Reduction = "none" | "mean" | "sum";

export interface LossOptions {
  /** How the losses of the examples are joined. Default: "mean". */
  reduction?: Reduction;
}

/** Joins one loss an example to what the caller asked for. */
export function reduce(losses: Tensor, reduction: Reduction = "mean"): Tensor {
  switch (reduction) {
    case "none":
      return losses;
    case "mean":
      return mean(losses);
    case "sum":
      return sum(losses);
    default:
      throw new RangeError(`reduction: got ${JSON.stringify(reduction)}; expected "none", "mean" or "sum"`);
  }
}

/** Checks logits [n, classes] and labels int32 [n]. */
export function requireLabelled(name: string, logits: Tensor, labels: Tensor): void {
  if (logits.shape.length !== 2)
    throw new RangeError(`${name}: logits is ${describe(logits)}; expected [n, classes]`);
  if (labels.shape.length !== 1 || labels.shape[0] !== logits.shape[0] || labels.dtype !== "int32") {
    throw new RangeError(`${name}: labels is ${describe(labels)}; expected int32 [${logits.shape[0]}]`);
  }
}
