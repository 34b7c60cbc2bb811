/**
 * Training: one loop over steps, which evaluates, stops early, keeps the best state, saves checkpoints and
 * watches for trouble if asked to. What happens in a step is the caller's: usually a compiled function that
 * computes gradients and lets an optimizer update the state (`trainingStep` makes the common ones).
 *
 *     const { state } = await fit({
 *       state: optimizer.init(network.init(random(1))),
 *       step: trainingStep({ loss, optimizer }),
 *       batch: (i) => batchOf(epochs.indices(i)),
 *       steps: epochs.steps,
 *     });
 *
 * Batches larger than memory: let `accumulate(optimizer, k)` join k steps into one.
 */
import type { Alarm, Alarms } from "./diagnostics/index.ts";
import { type Best, type Checkpoint, loadCheckpoint, saveCheckpoint } from "./fit/checkpoint.ts";
import { type Progress, progressClock } from "./fit/progress.ts";
import { item, type Tensor } from "./tensor/index.ts";
import { fromData, sizeOf, values } from "./tensor/tensor.ts";

export { readCheckpoint } from "./fit/checkpoint.ts";
export { type Epochs, epochs } from "./fit/epochs.ts";
export { type GradientCacheOptions, gradientCache } from "./fit/gradient-cache.ts";
export { type Progress, remainingSeconds } from "./fit/progress.ts";
export { severalSteps } from "./fit/several-steps.ts";
export {
  type Stage,
  type StagedRun,
  type StagedTrainingOptions,
  stagedTraining,
} from "./fit/staged-training.ts";
export { type TrainingStepOptions, trainingStep, trainingSteps } from "./fit/step.ts";

export interface StepResult<State> {
  state: State;
  /** A scalar. */
  loss: Tensor;
  /** What else the alarms shall see; see `alarms` for the names that they know. */
  watched?: Record<string, Tensor>;
}

export interface FitOptions<State, Batch> {
  /** Where training starts, usually `optimizer.init(parameters)`. */
  state: State;
  /** One step: takes the state and a batch, returns the next state and the loss. */
  step: (state: State, batch: Batch) => Promise<StepResult<State>>;
  /**
   * Takes several steps in one call wherever so many remain before the next evaluation, checkpoint or the
   * end; the others are taken by `step`. Faster for small models, whose weights then need not leave the
   * engine after every step. Stopping waits for the end of a call.
   */
  together?: Together<State, Batch>;
  /**
   * The batch of step i, from 0. For a resumed run to repeat an uninterrupted one bit for bit, it must depend
   * on i alone: draw from `random.split(i)`, never from a stream that is shared between steps.
   */
  batch: (i: number) => Batch | Promise<Batch>;
  /** How many steps to take in all. */
  steps: number;
  /** Judges the state from time to time; the best one is the result. */
  evaluation?: EvaluationOptions<State>;
  /** Saves the run from time to time, and when it is aborted. */
  checkpoint?: CheckpointOptions;
  /** The bytes of a checkpoint of the same run, to go on from. */
  resume?: Uint8Array;
  /** Watches losses and whatever `step` returns as `watched`; see `alarms`. */
  alarms?: Alarms;
  /** Called for every alarm. Throw in it to end training. */
  onAlarm?: (alarm: Alarm) => void;
  /** Ends training early: `fit` then throws the signal's reason. */
  signal?: AbortSignal;
  /** Called after every step with its number, from 1, its loss, and how far training has come. */
  onStep?: (step: number, loss: number, progress: Progress) => void;
}

export interface Together<State, Batch> {
  /** Steps in a call. */
  count: number;
  /** Takes a step with each batch; losses [count] and what is watched [count, …] in order. See `trainingSteps`. */
  step: (state: State, batches: readonly Batch[]) => Promise<StepResult<State>>;
}

export interface EvaluationOptions<State> {
  /** After every so many steps, and after the last one. */
  every: number;
  evaluate: (state: State, step: number) => number | Promise<number>;
  /** Which values are better. */
  better: "lower" | "higher";
  /** Ends training after so many evaluations in a row that were not better than the best. Default: never. */
  patience?: number;
  onEvaluation?: (step: number, value: number, isBest: boolean) => void;
}

export interface CheckpointOptions {
  /** After every so many steps. */
  every: number;
  /** Keeps the bytes, a safetensors file, in place of those saved before. */
  save: (bytes: Uint8Array, step: number) => void | Promise<void>;
  /**
   * What the run depends on besides its state, by name: the seed, the names of random streams, a hash of the
   * data. Stored in the checkpoint, which only a run with the same can resume.
   */
  identity?: Record<string, string>;
}

export interface Fitted<State> {
  /** The best state where there is an evaluation, else the last. */
  state: State;
  /** How many steps were taken in all, those before a checkpoint included. */
  steps: number;
  /** The best evaluation. */
  best?: { step: number; value: number };
  /** Whether patience ended training before the last step. */
  stoppedEarly: boolean;
  alarms: Alarm[];
}

/**
 * Trains.
 *
 * @throws the signal's reason once it is aborted
 * @throws RangeError if the loss or an evaluation is not finite, naming the step; for a checkpoint of another run.
 */
export async function fit<State, Batch>(options: FitOptions<State, Batch>): Promise<Fitted<State>> {
  const { steps, evaluation, checkpoint, resume, signal, onStep } = options;
  requireOptions(options);
  let run: Checkpoint<State> = resume
    ? loadCheckpoint(resume, options.state, checkpoint?.identity)
    : { state: options.state, step: 0, worse: 0 };
  const clock = progressClock(steps, run.step);
  const raised: Alarm[] = [];
  let saved = resume ? run.step : -1;
  const save = async () => {
    if (!checkpoint || saved === run.step) return;
    saved = run.step;
    await checkpoint.save(saveCheckpoint(run, checkpoint.identity), run.step);
  };
  const outOfPatience = () => run.worse >= (evaluation?.patience ?? Number.POSITIVE_INFINITY);

  while (run.step < steps && !outOfPatience()) {
    if (signal?.aborted) await save();
    signal?.throwIfAborted();
    const { state, taken } = await advance(run, options);
    const first = run.step + 1;
    run = { ...run, state, step: run.step + taken.length };
    taken.forEach(({ loss, watched }, i) => {
      const step = first + i;
      for (const alarm of options.alarms?.observe({ step, loss, watched }) ?? []) {
        raised.push(alarm);
        options.onAlarm?.(alarm);
      }
      if (!Number.isFinite(loss)) throw new RangeError(`fit: the loss is ${loss} at step ${step}`);
      onStep?.(step, loss, clock(step));
    });
    if (evaluation && (run.step % evaluation.every === 0 || run.step === steps))
      run = await evaluated(run, evaluation);
    if (checkpoint && run.step % checkpoint.every === 0) await save();
  }
  return {
    state: run.best?.state ?? run.state,
    steps: run.step,
    ...(run.best ? { best: { step: run.best.step, value: run.best.value } } : {}),
    stoppedEarly: run.step < steps,
    alarms: raised,
  };
}

interface Taken {
  loss: number;
  watched?: Record<string, Tensor>;
}

/** The next step, or the next several in one call where they fit. */
async function advance<State, Batch>(
  { state, step: done }: Checkpoint<State>,
  { step, together, batch, steps, evaluation, checkpoint }: FitOptions<State, Batch>,
): Promise<{ state: State; taken: Taken[] }> {
  const untilNext = (every = Number.POSITIVE_INFINITY) => every - (done % every);
  const room = Math.min(steps - done, untilNext(evaluation?.every), untilNext(checkpoint?.every));
  if (!together || together.count > room) {
    const { loss, watched, ...result } = await step(state, await batch(done));
    return { state: result.state, taken: [{ loss: item(loss), watched }] };
  }
  const numbers = Array.from({ length: together.count }, (_, i) => done + i);
  const result = await together.step(state, await Promise.all(numbers.map(batch)));
  const losses = values(result.loss);
  if (losses.length !== together.count)
    throw new RangeError(
      `fit: together.step returned ${losses.length} losses; expected ${together.count}, one a step`,
    );
  const watched = Object.entries(result.watched ?? {});
  const taken = numbers.map((_, i) => ({
    loss: Number(losses[i]),
    watched: Object.fromEntries(watched.map(([name, all]) => [name, part(all, i)])),
  }));
  return { state: result.state, taken };
}

/** all[i] of a tensor with values. */
function part(all: Tensor, i: number): Tensor {
  const shape = all.shape.slice(1);
  const size = sizeOf(shape);
  return fromData(values(all).slice(i * size, (i + 1) * size), shape, all.dtype);
}

async function evaluated<State>(
  run: Checkpoint<State>,
  { evaluate, better, onEvaluation }: EvaluationOptions<State>,
): Promise<Checkpoint<State>> {
  const value = await evaluate(run.state, run.step);
  if (!Number.isFinite(value)) throw new RangeError(`fit: the evaluation is ${value} at step ${run.step}`);
  const isBest = !run.best || (better === "lower" ? value < run.best.value : value > run.best.value);
  onEvaluation?.(run.step, value, isBest);
  if (!isBest) return { ...run, worse: run.worse + 1 };
  const best: Best<State> = { step: run.step, value, state: run.state };
  return { ...run, best, worse: 0 };
}

function requireOptions<State, Batch>(options: FitOptions<State, Batch>): void {
  const { steps, together, evaluation, checkpoint } = options;
  const counts = {
    steps,
    "together.count": together?.count,
    "evaluation.every": evaluation?.every,
    "evaluation.patience": evaluation?.patience,
    "checkpoint.every": checkpoint?.every,
  };
  for (const [name, value] of Object.entries(counts)) {
    const least = name === "steps" ? 0 : 1;
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least))
      throw new RangeError(`fit: ${name} is ${value}; expected a whole number of at least ${least}`);
  }
  if (evaluation && evaluation.better !== "lower" && evaluation.better !== "higher")
    throw new RangeError(`fit: evaluation.better is ${evaluation.better}; expected "lower" or "higher"`);
}
