import { fromData, values } from "../tensor/index.ts";
import { zipTrees } from "../tree.ts";
import { fullMask, pruneLowest, remainingShare } from "./masks.ts";

/** How much a weight is worth, from its trained and its initial value: the least go first. */
export type Criterion = (trained: number, initial: number) => number;

/** |θ_T| (Frankle and Carbin 2019). */
export const magnitude: Criterion = (trained) => Math.abs(trained);

/** θ_T in the direction of θ_0, 0 where the sign has changed (Zhou et al. 2019, "magnitude, same sign"). */
export const magnitudeSign: Criterion = (trained, initial) => Math.max(0, trained * Math.sign(initial));

export interface IterativePruningOptions<P> {
  /** θ_0, concrete: where every round starts again, with what is pruned at 0. */
  initial: P;
  /**
   * Trains from a start with a mask, and returns concrete parameters. Compute with `applyMask(params, mask)`:
   * what is pruned then has no gradient and stays at 0.
   */
  train: (start: P, mask: P, round: number) => Promise<P>;
  /** Rounds of pruning after the dense one. */
  rounds: number;
  /** Share of what is left that each round prunes; see `pruneLowest`. Default: 0.2. */
  rate?: number | ((tensor: number) => number);
  /** Default: `magnitude`. */
  criterion?: Criterion;
}

export interface PruningRound<P> {
  /** 0: dense. */
  round: number;
  /** Share of the weights that are left. */
  remaining: number;
  mask: P;
  /** Trained. */
  params: P;
}

/**
 * Iterative pruning of a lottery ticket: train, prune, set what is left back to where it started, and again.
 * Yields each round once it is trained, the dense one first.
 *
 * Source: Frankle and Carbin, "The Lottery Ticket Hypothesis" (2019), section 1, each tensor by itself.
 */
export async function* iterativePruning<P>(
  options: IterativePruningOptions<P>,
): AsyncGenerator<PruningRound<P>> {
  const { initial, train, rounds, rate = 0.2, criterion = magnitude } = options;
  if (!(Number.isSafeInteger(rounds) && rounds >= 0))
    throw new RangeError(`iterativePruning: rounds is ${rounds}; expected an integer of at least 0`);
  let mask = fullMask(initial);
  for (let round = 0; ; round++) {
    const params = await train(masked(initial, mask), mask, round);
    yield { round, remaining: remainingShare(mask), mask, params };
    if (round === rounds) return;
    const scores = zipTrees([params, initial], (trained, start) => {
      const from = values(start);
      return fromData(
        Float64Array.from(values(trained), (x, i) => criterion(x, from[i]!)),
        trained.shape,
      );
    });
    mask = pruneLowest(mask, scores, rate);
  }
}

/** `applyMask` of concrete values. */
function masked<P>(params: P, mask: P): P {
  return zipTrees([params, mask], (x, m) => {
    const bits = values(m);
    return fromData(
      values(x).map((value, i) => (bits[i] === 1 ? value : 0)) as Float32Array,
      x.shape,
      x.dtype,
    );
  });
}
