/** Which element types operations accept, checked where the expression is built. */
import { type DType, describe, type Tensor } from "../tensor.ts";

export const floats: readonly DType[] = ["float32", "float64"];
export const numbers: readonly DType[] = [...floats, "int32"];
export const booleans: readonly DType[] = ["bool"];

/**
 * Checks an operand's element type.
 *
 * @throws TypeError naming the operation, the argument, what it is and what would fit.
 */
export function requireType(operation: string, accepts: readonly DType[], x: Tensor, argument = "x"): void {
  if (!accepts.includes(x.dtype)) {
    throw new TypeError(`${operation}: ${argument} is ${describe(x)}; expected ${accepts.join(", ")}`);
  }
}
