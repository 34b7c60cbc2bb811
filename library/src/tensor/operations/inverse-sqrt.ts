/** Matrix functions by iterated products, inside of graphs. */
import { describe, type Tensor } from "../tensor.ts";
import { divide, multiply, sqrt, subtract } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { norm } from "./reduce.ts";
import { broadcastTo, identityMatrix } from "./shape.ts";
import { floats, requireType } from "./types.ts";
import { requireWhole } from "./windows.ts";

/**
 * A^(−1/2) of symmetric positive definite matrices by the coupled Newton-Schulz iteration (Higham 2008,
 * equation 6.35), for whitening: with Y₀ = A / ‖A‖, Z₀ = I and T = (3 I − Z Y) / 2, Y ← Y T and Z ← T Z;
 * Z / √‖A‖ tends to A^(−1/2). Products only, so it is differentiable to any order.
 *
 * The smallest eigenvalue gains a factor of 9/4 an iteration and then converges quadratically: about
 * log(κ √n) / log(9/4) + 4 iterations are needed for the condition number κ. Too few give a matrix
 * that is too small in the directions of small eigenvalues; add a multiple of the identity to A where
 * it may be singular.
 *
 * @param a float [..., n, n], symmetric positive definite.
 * @param options.iterations Default: 20, enough for κ √n up to about 1e5.
 * @returns [..., n, n]
 * @throws RangeError unless the last two axes are equally long.
 */
export function newtonSchulzInverseSqrt(
  a: Tensor,
  { iterations = 20 }: { iterations?: number } = {},
): Tensor {
  const name = "newtonSchulzInverseSqrt";
  requireType(name, floats, a, "a");
  requireWhole(name, { iterations });
  const n = a.shape.at(-1)!;
  if (a.shape.length < 2 || a.shape.at(-2) !== n) {
    throw new RangeError(`${name}: a is ${describe(a)}; expected square matrices [..., n, n]`);
  }
  const identity = broadcastTo(identityMatrix(n, a.dtype as "float32" | "float64"), a.shape);
  const size = norm(a, { axis: [-2, -1], keepDims: true });
  let y = divide(a, size);
  let z = identity;
  for (let i = 0; i < iterations; i++) {
    const t = multiply(subtract(multiply(identity, 3), matmul(z, y)), 0.5);
    y = matmul(y, t);
    z = matmul(t, z);
  }
  return divide(z, sqrt(size));
}
