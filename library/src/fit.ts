import { item, type Tensor } from "./tensor/index.ts";

export interface FitOptions<State, Batch> {
  /** Where training starts, usually `optimizer.init(parameters)`. */
  state: State;
  /** One step, usually compiled: takes the state and a batch, returns the next state and the loss. */
  step: (state: State, batch: Batch) => Promise<{ state: State; loss: Tensor }>;
  /** The batch of step i, from 0. */
  batch: (i: number) => Batch;
  /** How many steps to take. */
  steps: number;
  /** Ends training early: `fit` then throws the signal's reason. */
  signal?: AbortSignal;
  /** Called after every step with its number, from 1, and its loss. */
  onStep?: (step: number, loss: number) => void;
}

/**
 * The training loop: steps one after the other, with a way to watch and to stop.
 *
 * @returns The last state.
 * @throws the signal's reason once it is aborted
 * @throws RangeError if the loss stops being finite, naming the step
 */
export async function fit<State, Batch>(options: FitOptions<State, Batch>): Promise<State> {
  const { step, batch, steps, signal, onStep } = options;
  let { state } = options;
  for (let i = 0; i < steps; i++) {
    signal?.throwIfAborted();
    const result = await step(state, batch(i));
    const loss = item(result.loss);
    if (!Number.isFinite(loss)) throw new RangeError(`fit: the loss is ${loss} at step ${i + 1}`);
    state = result.state;
    onStep?.(i + 1, loss);
  }
  return state;
}
