import { isTensor, type Tensor } from "./tensor/tensor.ts";

/**
 * Trees of tensors: a tensor, or plain objects and arrays of trees. Parameters, optimizer states and
 * batches are trees; whatever else stands in one (numbers, strings, undefined) is kept as it is.
 */
export type Tree = unknown;

/** The tensors of a tree, in the order of its keys. */
export function leaves(tree: Tree): Tensor[] {
  const found: Tensor[] = [];
  visit(tree, (tensor) => found.push(tensor));
  return found;
}

function visit(tree: Tree, see: (tensor: Tensor) => void): void {
  if (isTensor(tree)) see(tree);
  else if (Array.isArray(tree)) for (const branch of tree) visit(branch, see);
  else if (isPlain(tree)) for (const branch of Object.values(tree)) visit(branch, see);
}

/** A tree of the same form with every tensor replaced by `replace(tensor, its number)`. */
export function mapTree<T>(tree: T, replace: (tensor: Tensor, index: number) => unknown): T {
  let index = 0;
  const walk = (branch: unknown): unknown => {
    if (isTensor(branch)) return replace(branch, index++);
    if (Array.isArray(branch)) return branch.map(walk);
    if (isPlain(branch))
      return Object.fromEntries(Object.entries(branch).map(([key, value]) => [key, walk(value)]));
    return branch;
  };
  return walk(tree) as T;
}

/**
 * Combines trees of one form, tensor by tensor.
 *
 * @throws TypeError if the trees do not hold equally many tensors.
 */
export function zipTrees<T>(trees: readonly [T, ...Tree[]], combine: (...tensors: Tensor[]) => unknown): T {
  const rest = trees.slice(1).map(leaves);
  const count = leaves(trees[0]).length;
  rest.forEach((tensors, i) => {
    if (tensors.length !== count) {
      throw new TypeError(`trees: tree ${i + 1} has ${tensors.length} tensors, the first has ${count}`);
    }
  });
  return mapTree(trees[0], (first, index) => combine(first, ...rest.map((tensors) => tensors[index]!)));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
