import { batches } from "../data/batches.ts";
import type { Random } from "../random.ts";

export interface Epochs {
  /** Batches in an epoch. */
  perEpoch: number;
  /** Batches in all. */
  steps: number;
  /** The examples of step i, from 0: a function of i alone, so that a run can be resumed anywhere. */
  indices(i: number): Int32Array;
}

/**
 * All examples in random order, again and again, cut into batches of one size: what is left over at an
 * epoch's end is left out. Each epoch's order is drawn from a stream of its own, `random.split(epoch)`.
 *
 * @param options.count Number of examples.
 * @param options.size Of a batch.
 * @param options.epochs How many. May be broken (0.5: half of the examples). Default: 1.
 * @throws RangeError if there are fewer examples than a batch takes.
 */
export function epochs(options: { count: number; size: number; random: Random; epochs?: number }): Epochs {
  const { count, size, random, epochs: repeats = 1 } = options;
  if (!(repeats > 0 && Number.isFinite(repeats)))
    throw new RangeError(`epochs: epochs is ${repeats}; expected a number above 0`);
  const order = (epoch: number) => batches(count, size, random.split(epoch), { dropLast: true });
  let current = { epoch: 0, batches: order(0) };
  const perEpoch = current.batches.length;
  return {
    perEpoch,
    steps: Math.round(repeats * perEpoch),
    indices(i) {
      const epoch = Math.floor(i / perEpoch);
      if (epoch !== current.epoch) current = { epoch, batches: order(epoch) };
      return current.batches[i % perEpoch]!;
    },
  };
}
