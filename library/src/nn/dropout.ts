/**
 * Dropout. Graphs are pure, so the masks come from outside: drawn from the seeded generator, given to
 * the step with its batch, and used up in the order in which the model asks for them.
 *
 *     const shapes = dropoutShapes((dropout) => model.apply(params, x, { dropout }));  // once
 *     const masks = dropoutMasks(random.split(step), shapes, 0.1);                      // every step
 *     model.apply(params, x, { dropout: dropoutFrom(masks, 0.1) });                     // in the step
 */
import type { Random } from "../random.ts";
import { dropout, fromData, type Shape, sizeOf, type Tensor } from "../tensor/index.ts";
import { describe, sameShape, showShape } from "../tensor/tensor.ts";

/** Drops some elements of a tensor and scales up the others. Models without dropout are given none. */
export type Dropout = (x: Tensor) => Tensor;

/** No dropout: when a trained model is used. */
export const keepAll: Dropout = (x) => x;

/**
 * The shapes of the masks that a model asks for, in order. Nothing is computed.
 *
 * @param model Calls the model with the dropout that it is given.
 */
export function dropoutShapes(model: (dropout: Dropout) => unknown): Shape[] {
  const shapes: Shape[] = [];
  model((x) => {
    shapes.push(x.shape);
    return x;
  });
  return shapes;
}

/**
 * Masks for one step: bool, false at the given rate, independently for each element.
 *
 * @throws RangeError unless 0 ≤ rate < 1.
 */
export function dropoutMasks(random: Random, shapes: readonly Shape[], rate: number): Tensor[] {
  if (!(rate >= 0 && rate < 1))
    throw new RangeError(`dropoutMasks: rate is ${rate}; expected a number from 0 to below 1`);
  return shapes.map((shape) => {
    const data = new Uint8Array(sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = random.next() < rate ? 0 : 1;
    return fromData(data, shape);
  });
}

/**
 * A dropout that takes its masks from a list, in order.
 *
 * @param masks From `dropoutMasks`, usually an argument of the compiled step.
 * @throws RangeError when the model asks for more masks than there are, or for one of another shape.
 */
export function dropoutFrom(masks: readonly Tensor[], rate: number): Dropout {
  let used = 0;
  return (x) => {
    const mask = masks[used++];
    if (!mask || !sameShape(mask.shape, x.shape)) {
      throw new RangeError(
        `dropoutFrom: masks holds ${mask ? describe(mask) : `${masks.length} masks and none is left`} where the ` +
          `model asks for number ${used}, of shape ${showShape(x.shape)}; draw them for dropoutShapes of this model`,
      );
    }
    return dropout(x, mask, rate);
  };
}
