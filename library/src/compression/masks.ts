/** Masks say which weights are left: trees of the parameters' form, 1 where a weight stays and 0 where it is pruned. */
import { fromData, multiply, sizeOf, type Tensor, values } from "../tensor/index.ts";
import { leaves, mapTree, zipTrees } from "../tree.ts";

/** Weights that may be pruned: matrices and more; biases and scales stay. */
export const isPrunable = (x: Tensor): boolean => x.shape.length >= 2;

/** A mask that keeps everything. */
export function fullMask<P>(params: P): P {
  return mapTree(params, (x) => fromData(new Float32Array(sizeOf(x.shape)).fill(1), x.shape));
}

/** Parameters with zeros where they are pruned; inside of a loss, their gradients are 0 there as well. */
export function applyMask<P>(params: P, mask: P): P {
  return zipTrees([params, mask], (x, m) => (isPrunable(x) ? multiply(x, m) : x));
}

/** Share of the weights that may be pruned which are left, 0 to 1. */
export function remainingShare(mask: unknown): number {
  let [kept, all] = [0, 0];
  for (const m of leaves(mask).filter(isPrunable)) {
    for (const bit of values(m)) kept += bit;
    all += sizeOf(m.shape);
  }
  return all === 0 ? 1 : kept / all;
}

/**
 * Takes from each tensor the given share of the weights that are left, those with the lowest scores; the
 * later of equal ones stays.
 *
 * @param mask What is left so far, concrete.
 * @param scores A tree of the mask's form, concrete.
 * @param rate Share of what is left, 0 to 1: a number, or a function of the tensor's number among those that
 *   may be pruned, from 0.
 */
export function pruneLowest<P>(mask: P, scores: P, rate: number | ((tensor: number) => number)): P {
  let number = 0;
  return zipTrees([mask, scores], (m, s) => {
    if (!isPrunable(m)) return m;
    const share = typeof rate === "number" ? rate : rate(number);
    if (!(share >= 0 && share <= 1))
      throw new RangeError(
        `pruneLowest: rate is ${share} for tensor ${number}; expected a number from 0 to 1`,
      );
    number++;
    const bits = Float32Array.from(values(m));
    const score = values(s);
    const left = Array.from(bits.keys())
      .filter((i) => bits[i] === 1)
      .sort((a, b) => score[a]! - score[b]! || a - b);
    for (const i of left.slice(0, Math.round(share * left.length))) bits[i] = 0;
    return fromData(bits, m.shape);
  });
}
