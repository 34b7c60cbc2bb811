/** Averages over steps: of gradients, for batches larger than memory, and of parameters. */
import { add, greaterEqual, multiply, scalar, subtract, type Tensor, where } from "../tensor/index.ts";
import { mapTree, zipTrees } from "../tree.ts";
import { type Optimizer, requireNumber, zeroState } from "./optimizer.ts";

export interface Accumulation {
  /** The sum of gradients since the last update. */
  accumulated: unknown;
  /** How many gradients that sum holds, a float32 scalar. */
  micro: Tensor;
}

/**
 * Gradient accumulation: an optimizer that collects gradients and moves the parameters once every so
 * many updates, by their mean. Where the loss is a mean over examples, that step is the one that a batch
 * as large as all of them would have taken.
 *
 * The graph always computes the inner optimizer's step and keeps or drops it, which costs its
 * element-wise operations every time. Schedules see the number of real steps.
 *
 * @param every Updates for each real step.
 */
export function accumulate<State>(
  optimizer: Optimizer<State>,
  every: number,
): Optimizer<State & Accumulation> {
  if (!(Number.isSafeInteger(every) && every >= 1))
    throw new RangeError(`accumulate: every is ${every}; expected a whole number of at least 1`);
  return {
    init: (params) => ({
      ...optimizer.init(params),
      accumulated: mapTree(params, zeroState),
      micro: scalar(0),
    }),
    update(state, gradients) {
      const sum = zipTrees([state.accumulated, gradients], (total, g) => add(total, g));
      const micro = add(state.micro, 1);
      const full = greaterEqual(micro, every);
      const mean = mapTree(sum, (total) => multiply(total, 1 / every)) as typeof gradients;
      const next = optimizer.update(state, mean);
      const kept = zipTrees([next, state], (after, before) => where(full, after, before));
      return {
        ...kept,
        accumulated: mapTree(sum, (total) => where(full, 0, total)),
        micro: where(full, 0, micro),
      };
    },
  };
}

/**
 * The exponential moving average of parameters (Polyak averaging, mean teachers): decay · average +
 * (1 − decay) · parameters. Start it with the parameters themselves.
 *
 * @param decay Usually 0.99 to 0.9999; about the last 1 / (1 − decay) steps count. May be a scalar tensor.
 */
export function movingAverage<P>(average: P, params: P, decay: number | Tensor): P {
  if (typeof decay === "number") requireNumber("movingAverage", "decay", decay, 0, 1);
  // As one difference: where both agree, the average stays bit for bit.
  return zipTrees([average, params], (a, p) => add(p, multiply(decay, subtract(a, p))));
}
