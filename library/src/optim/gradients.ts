/**
 * What may be done to gradients before an optimizer sees them: pure functions of trees, written around
 * the gradients where `update` is called.
 *
 *     optimizer.update(state, clipByGlobalNorm(gradients, 1))
 */
import { clip, divide, greater, multiply, norm, stack, type Tensor, where } from "../tensor/index.ts";
import { leaves, mapTree } from "../tree.ts";
import { requireNumber } from "./optimizer.ts";
/** The Euclidean norm of all elements of a tree together: a scalar. */
export function globalNorm(tree: unknown): Tensor {
  const norms = leaves(tree).map((x) => norm(x));
  if (norms.length === 0) throw new RangeError("globalNorm: the tree holds no tensor");
  return norm(stack(norms));
}

/**
 * The gradients, scaled down together where their global norm is above a limit (Pascanu et al. 2013,
 * algorithm 1): g · limit / max(‖g‖, limit). Their direction stays.
 *
 * @param normed Their norm, where it is known already.
 * @throws RangeError unless the limit is above 0.
 */
export function clipByGlobalNorm<P>(gradients: P, limit: number, normed: Tensor = globalNorm(gradients)): P {
  requireNumber("clipByGlobalNorm", "limit", limit, Number.MIN_VALUE);
  const tooLarge = greater(normed, limit);
  const factor = where(tooLarge, divide(limit, where(tooLarge, normed, 1)), 1);
  return mapTree(gradients, (g) => multiply(g, factor));
}

/**
 * Each element cut to [−limit, limit].
 *
 * @throws RangeError unless the limit is above 0.
 */
export function clipByValue<P>(gradients: P, limit: number): P {
  requireNumber("clipByValue", "limit", limit, Number.MIN_VALUE);
  return mapTree(gradients, (g) => clip(g, -limit, limit));
}
