/**
 * A layer is a pair of pure functions: `init` draws a tree of parameters, `apply` computes with it.
 * A model is whatever function you write over such trees; nothing is registered or inherited.
 */
import type { Random } from "../random.ts";
import type { Tensor } from "../tensor/index.ts";

export interface Layer<P> {
  /** Draws parameters. Equal streams give equal parameters. */
  init(random: Random): P;
  /** Computes the layer. The batch is the first axis. */
  apply(params: P, x: Tensor): Tensor;
}

/** Checks a number of units, heads, layers, …: a whole number of at least 1. */
export function requireCount(layer: string, argument: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new RangeError(`${layer}: ${argument} is ${value}; expected a whole number of at least 1`);
}
