/** Dropout. */
import { broadcastShapes, describe, sameShape, type Tensor } from "../tensor.ts";
import { multiply, where } from "./elementwise.ts";

/**
 * x / (1 − rate) where kept, 0 elsewhere, so that the expectation stays x (Srivastava et al. 2014).
 *
 * @param keep bool, broadcasts to x: which elements stay. Draw a new one for each step, outside of the
 *   graph and with probability 1 − rate, and pass it as an argument of the compiled function.
 * @param rate The probability of 0, from 0 to below 1.
 * @throws RangeError for a rate out of range or a mask that does not fit.
 */
export function dropout(x: Tensor, keep: Tensor, rate: number): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`dropout: rate is ${rate}; expected a number from 0 to below 1`);
  }
  if (!sameShape(broadcastShapes("dropout", x.shape, keep.shape), x.shape)) {
    throw new RangeError(`dropout: keep is ${describe(keep)}, which is larger than ${describe(x)}`);
  }
  return where(keep, multiply(x, 1 / (1 - rate)), 0);
}
