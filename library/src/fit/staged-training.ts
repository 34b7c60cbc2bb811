/** Training in stages: first one part of a model, then another, at last all. */
import { fit } from "../fit.ts";
import { adamW } from "../optim/index.ts";
import { type CompileOptions, compile } from "../runtime/index.ts";
import { divide, exp, floor, multiply, scalar, type Tensor, valueAndGrad } from "../tensor/index.ts";

export interface Stage<P> {
  /** The parts that are trained; the others stay as they are. */
  parts: readonly (keyof P & string)[];
  steps: number;
  /** At the stage's first step. */
  learningRate: number;
}

export interface StagedTrainingOptions<P, Batch> {
  loss: (params: P, batch: Batch) => Tensor;
  /** What the learning rate is multiplied with after each tenth of a stage. Default: 0.7. */
  decay?: number;
  /** λ of AdamW. Default: 0.01. */
  weightDecay?: number;
  /** See `compile`. */
  compile?: CompileOptions;
}

export interface StagedRun<P, Batch> {
  params: P;
  stages: readonly Stage<P>[];
  /** The batch of a step, counted from 0 over all stages. */
  batch: (step: number) => Batch;
  signal?: AbortSignal;
  /** Called after each step with its number from 1, the number of steps of all stages, and the loss. */
  onStep?: (step: number, steps: number, loss: number) => void;
}

type State = Parameters<ReturnType<typeof adamW>["update"]>[0];

/**
 * Makes a function that trains the parts of a model one after the other, each stage with a new AdamW whose rate
 * falls in ten stairs. Parts that a stage does not name enter its graph as constants: they have no gradient at all.
 *
 *     const train = stagedTraining({ loss });
 *     const params = await train({
 *       params: { encoder, projector, decoder },
 *       stages: [
 *         { parts: ["decoder"], steps: 60, learningRate: 5e-4 },
 *         { parts: ["projector"], steps: 500, learningRate: 5e-4 },
 *         { parts: ["encoder", "projector"], steps: 500, learningRate: 5e-5 },
 *         { parts: ["encoder", "projector", "decoder"], steps: 1000, learningRate: 5e-5 },
 *       ],
 *       batch,
 *     });
 *
 * The graphs are kept by the function: stages that train the same parts share one, at whatever rate.
 *
 * Source: Guan et al. 2024, "LogLLM", with optimizer and decay of its code.
 *
 * @throws RangeError for a stage without parts or with one that the parameters lack.
 */
export function stagedTraining<P extends Record<string, unknown>, Batch>({
  loss,
  decay = 0.7,
  weightDecay = 0.01,
  compile: options,
}: StagedTrainingOptions<P, Batch>): (run: StagedRun<P, Batch>) => Promise<P> {
  /** What changes between stages enters as tensors. */
  interface Given {
    batch: Batch;
    frozen: Partial<P>;
    rate: Tensor;
    /** Steps of a stair. */
    stair: Tensor;
  }
  const makeStep = () =>
    compile((state: State, { batch, frozen, rate, stair }: Given) => {
      const stairs = (step: Tensor) => floor(divide(step, stair));
      const optimizer = adamW({
        learningRate: (step) => multiply(rate, exp(multiply(stairs(step), Math.log(decay)))),
        weightDecay,
      });
      const [value, gradients] = valueAndGrad((trained: Partial<P>) =>
        loss({ ...frozen, ...trained } as P, batch),
      )(state.params as Partial<P>);
      return { state: optimizer.update(state, gradients) as State, loss: value };
    }, options);
  const graphs = new Map<string, ReturnType<typeof makeStep>>();

  return async ({ params, stages, batch, signal, onStep }) => {
    const total = stages.reduce((sum, { steps }) => sum + steps, 0);
    let current = params;
    let before = 0;
    for (const [i, { parts, steps, learningRate }] of stages.entries()) {
      const unknown = parts.find((part) => !Object.hasOwn(params, part));
      if (parts.length === 0 || unknown !== undefined)
        throw new RangeError(
          `stagedTraining: stages[${i}].parts is [${parts.join(", ")}]; expected some of ${Object.keys(params).join(", ")}`,
        );
      const [trained, frozen] = [true, false].map((wanted) =>
        Object.fromEntries(Object.entries(current).filter(([name]) => parts.includes(name) === wanted)),
      ) as [Partial<P>, Partial<P>];
      const key = Object.keys(trained).join(" ");
      const step = graphs.get(key) ?? makeStep();
      graphs.set(key, step);
      const start = before;
      const { state } = await fit({
        state: adamW().init(trained) as State,
        step,
        steps,
        batch: (at) => ({
          batch: batch(start + at),
          frozen,
          rate: scalar(learningRate),
          stair: scalar(Math.max(1, Math.floor(steps / 10))),
        }),
        signal,
        onStep: (at, value) => onStep?.(start + at, total, value),
      });
      current = { ...current, ...(state.params as Partial<P>) };
      before += steps;
    }
    return current;
  };
}
