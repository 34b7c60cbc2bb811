import { add, divide, less, multiply, subtract, sum, type Tensor, where } from "../tensor/index.ts";
import { leaves, zipTrees } from "../tree.ts";

/**
 * An auxiliary gradient without the part that opposes the main one: g − (g · m / ‖m‖²) m where g · m < 0,
 * else g as it is. The products run over all elements of the trees together, and the main gradient is left
 * alone, so that what is added to it never undoes it.
 *
 *     optimizer.update(state, zipTrees([main, projectConflicting(main, auxiliary)], add))
 *
 * Source: Yu et al., "Gradient Surgery for Multi-Task Learning" (2020), algorithm 1, for one direction, as in
 * Yang et al., "Dual-Head Knowledge Distillation" (2024).
 *
 * @param main m, a tree of gradients.
 * @param auxiliary g, a tree of the same form.
 */
export function projectConflicting<P>(main: P, auxiliary: P): P {
  const product = innerProduct(main, auxiliary);
  const squares = innerProduct(main, main);
  const conflict = less(product, 0);
  const factor = where(conflict, divide(product, where(conflict, squares, 1)), 0);
  return zipTrees([auxiliary, main], (g, m) => subtract(g, multiply(m, factor)));
}

function innerProduct(a: unknown, b: unknown): Tensor {
  const products = leaves(zipTrees([a, b], (x, y) => sum(multiply(x, y))));
  if (products.length === 0) throw new RangeError("projectConflicting: the trees hold no tensor");
  return products.reduce((total, product) => add(total, product));
}
