/** What a network's activations and gradients tell of its health. */
import { type Tensor, values } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { leaves } from "../tree.ts";

/**
 * Units that are the same number for every example (and at every place of it), as a relu is that never opens:
 * they tell nothing of their input, and no gradient flows through them.
 *
 * @param activations Concrete, float [n, units], or [n, channels, …] where a channel counts as one unit.
 * @returns The numbers of the dead units, rising.
 */
export function deadUnits(activations: Tensor): number[] {
  const { shape } = activations;
  if (shape.length < 2 || shape[0] === 0)
    throw new RangeError(`deadUnits: activations are ${describe(activations)}; expected [n, units, …]`);
  const data = values(activations);
  const units = shape[1]!;
  const size = shape.slice(2).reduce((product, length) => product * length, 1);
  const alive = new Uint8Array(units);
  for (let i = 0; i < data.length; i++) {
    const unit = Math.floor(i / size) % units;
    if (data[i] !== data[unit * size]) alive[unit] = 1;
  }
  return Array.from(alive.keys()).filter((unit) => !alive[unit]);
}

/** The Euclidean norm of all values of a tree of concrete tensors together; `globalNorm` is the same in a graph. */
export function gradientNorm(gradients: unknown): number {
  let squares = 0;
  for (const tensor of leaves(gradients)) {
    const data = values(tensor);
    for (let i = 0; i < data.length; i++) squares += data[i]! ** 2;
  }
  return Math.sqrt(squares);
}
