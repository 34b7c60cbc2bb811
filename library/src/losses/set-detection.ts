/** Detectors whose slots are matched one to one with the objects: the loss of DETR and of what followed it. */
import { hungarian } from "../inference/assignment.ts";
import {
  abs,
  add,
  cast,
  divide,
  equal,
  logicalNot,
  maximum,
  multiply,
  reshape,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { softmaxCrossEntropy } from "./classification.ts";

export interface MatchOptions {
  /** Weight of the sum of absolute differences of a box's four numbers, against that of the class's probability. Default: 5. */
  boxWeight?: number;
}

/**
 * The slot of each object of one picture: the one-to-one matching of least Σ −p_k(c_i) + boxWeight ‖b̂_k − b_i‖₁.
 *
 * Source: Carion et al., "End-to-End Object Detection with Transformers" (2020), equation 1, without its term of
 * generalized overlap.
 *
 * @param probabilities [K, classes] Those of background may follow: labels tell which columns are read.
 * @param boxes [K, 4]
 * @param labels [N] with N ≤ K
 * @param objects [N, 4]
 * @returns [N]
 * @throws RangeError where lengths do not fit, or there are more objects than slots.
 */
export function matchSlots(
  probabilities: ArrayLike<number>,
  boxes: ArrayLike<number>,
  labels: ArrayLike<number>,
  objects: ArrayLike<number>,
  { boxWeight = 5 }: MatchOptions = {},
): Int32Array {
  const slots = boxes.length / 4;
  const count = labels.length;
  const columns = probabilities.length / slots;
  if (!Number.isInteger(slots) || !Number.isInteger(columns))
    throw new RangeError(
      `matchSlots: ${probabilities.length} probabilities and ${boxes.length} numbers of boxes; expected those of as many slots`,
    );
  if (objects.length !== count * 4 || count > slots)
    throw new RangeError(
      `matchSlots: ${count} labels and ${objects.length} numbers of objects for ${slots} slots; expected four a label, and no more labels than slots`,
    );
  const cost = new Float64Array(count * slots);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < slots; k++) {
      let distance = 0;
      for (let d = 0; d < 4; d++) distance += Math.abs(boxes[k * 4 + d]! - objects[i * 4 + d]!);
      cost[i * slots + k] = boxWeight * distance - probabilities[k * columns + labels[i]!]!;
    }
  return hungarian(cost, count, slots).columns;
}

/** What each of K slots of B pictures was matched with. */
export interface SlotTargets {
  /** int32 [B, K] The class, or the number of classes for background. */
  labels: Tensor;
  /** [B, K, 4] The box; anything for background. */
  boxes: Tensor;
}

export interface HungarianSetOptions {
  /** Weight of a slot that is background, against 1 for one with an object. Default: 0.1. */
  backgroundWeight?: number;
  /** Weight of the boxes' differences against the cross-entropy. Default: 5. */
  boxWeight?: number;
}

/**
 * The set loss of matched slots: cross-entropy over classes and background, averaged with the slots' weights, plus
 * boxWeight times the absolute differences of boxes, summed over their four numbers and averaged over the objects.
 *
 * A background weight below 1 balances the many empty slots, and makes confidences too high by design.
 *
 * Source: Carion et al. (2020), equation 2, without its term of generalized overlap.
 *
 * @param logits [B, K, classes + 1], background last
 * @param boxes [B, K, 4]
 * @returns A scalar; without objects, the cross-entropy alone.
 * @throws RangeError where shapes do not fit, or for a weight below 0.
 */
export function hungarianSetLoss(
  logits: Tensor,
  boxes: Tensor,
  targets: SlotTargets,
  { backgroundWeight = 0.1, boxWeight = 5 }: HungarianSetOptions = {},
): Tensor {
  for (const [name, weight] of Object.entries({ backgroundWeight, boxWeight }))
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
      throw new RangeError(`hungarianSetLoss: ${name} is ${weight}; expected a number of at least 0`);
  if (logits.shape.length !== 3)
    throw new RangeError(`hungarianSetLoss: logits is ${describe(logits)}; expected [B, K, classes + 1]`);
  const [pictures, slots, columns] = logits.shape as [number, number, number];
  const expected: [string, Tensor, number[]][] = [
    ["boxes", boxes, [pictures, slots, 4]],
    ["targets.labels", targets.labels, [pictures, slots]],
    ["targets.boxes", targets.boxes, [pictures, slots, 4]],
  ];
  for (const [name, x, shape] of expected)
    if (!sameShape(x.shape, shape))
      throw new RangeError(`hungarianSetLoss: ${name} is ${describe(x)}; expected [${shape.join(", ")}]`);
  const labels = reshape(targets.labels, [pictures * slots]);
  const background = equal(labels, columns - 1);
  const weights = add(multiply(cast(background, logits.dtype), backgroundWeight - 1), 1);
  const entropies = softmaxCrossEntropy(reshape(logits, [pictures * slots, columns]), labels, {
    reduction: "none",
  });
  const classes = divide(sum(multiply(weights, entropies)), maximum(sum(weights), 1e-12));
  const distances = reshape(sum(abs(subtract(boxes, targets.boxes)), { axis: -1 }), [pictures * slots]);
  const objects = sum(cast(logicalNot(background), logits.dtype));
  const distance = divide(sum(where(background, 0, distances)), maximum(objects, 1));
  return add(classes, multiply(distance, boxWeight));
}
