/** The one way in which every objective trains: Adam on a small network, stopped by validation rows. */
import { compile, fromData, squeeze, type Tensor, valueAndGrad, values } from "nearmiss";
import { take } from "nearmiss/data";
import { epochs, fit } from "nearmiss/fit";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { type LinkName, links } from "./links.ts";
import { objectives, type Task, type TrainingFacts } from "./objectives.ts";

/** Encoded rows. */
export interface Rows {
  /** [n, width] */
  x: Float32Array<ArrayBuffer>;
  /** Classes, int32 [n], or numbers in standard deviations from the mean, float32 [n]. */
  truth: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

export type Network = ReturnType<typeof network>;
export type Parameters = ReturnType<Network["init"]>;

/** Widths of the hidden layers. */
export const hidden = [64, 64];

/** Fully connected, from encoded columns to a logit for each class or to one number. */
export const network = (width: number, outputs: number, between: readonly number[] = hidden) =>
  mlp([width, ...between, outputs]);

export interface TrainerOptions {
  task: Task;
  width: number;
  /** Classes, or 1 for numbers. */
  outputs: number;
  facts: TrainingFacts;
  /** Widths of the hidden layers. Default: `hidden`. */
  between?: readonly number[];
}

export interface TrainOptions {
  objective: string;
  learningRate: number;
  /** Decides initial weights and the order of batches. */
  seed: number | string;
  training: Rows;
  /** Judges parameters while they train; the best are kept. */
  evaluate: (params: Parameters) => Promise<number>;
  better: "higher" | "lower";
  signal?: AbortSignal;
  /** Called with the share of steps that are done. */
  onProgress?: (fraction: number) => void;
}

export interface Trained {
  params: Parameters;
  /** The best validation value. */
  best: number;
  seconds: number;
  steps: number;
  /** Step and validation value. */
  curve: [number, number][];
}

export interface Trainer {
  train(options: TrainOptions): Promise<Trained>;
  /** Probabilities [n, classes] or numbers [n] for rows [n, width]. */
  predict(params: Parameters, link: LinkName, x: Float32Array): Promise<Float32Array<ArrayBuffer>>;
}

/** Rows go through the network so many at a time: one shape, so one graph. */
const CHUNK = 256;

/** Compiles what training needs once for each objective, whatever the seeds and learning rates. */
export function trainer({ task, width, outputs, facts, between }: TrainerOptions): Trainer {
  const { init, apply } = network(width, outputs, between);
  const steps = new Map<string, ReturnType<typeof stepOf>>();
  const predictors = new Map<LinkName, ReturnType<typeof predictorOf>>();

  const stepOf = (name: string) => {
    const { loss } = objectives[name];
    return compile(
      (state: State, batch: { x: Tensor; truth: Tensor }, learningRate: Tensor) => {
        const [value, gradients] = valueAndGrad((params: Parameters) => {
          const out = apply(params, batch.x);
          return loss(task === "regression" ? squeeze(out, 1) : out, batch.truth, facts);
        })(state.params);
        return { state: adam({ learningRate: () => learningRate }).update(state, gradients), loss: value };
      },
      { threads: 1 },
    );
  };
  const predictorOf = (link: LinkName) =>
    compile((params: Parameters, x: Tensor) => links[link](apply(params, x)), { threads: 1 });

  return {
    async train({ objective, learningRate, seed, training, evaluate, better, signal, onProgress }) {
      const step = memoized(steps, objective, stepOf);
      const stream = random(seed).split("nearmiss compare");
      const count = training.truth.length;
      const { size, repeats } = schedule(count);
      const order = epochs({ count, size, random: stream.split("batches"), epochs: repeats });
      const rate = fromData(Float32Array.of(learningRate), []);
      const curve: [number, number][] = [];
      const pause = pauses();
      const started = performance.now();
      const fitted = await fit({
        state: adam().init(init(stream.split("weights"))) as State,
        step: (state, batch: { x: Tensor; truth: Tensor }) => step(state, batch, rate),
        steps: order.steps,
        async batch(i) {
          await pause();
          const indices = order.indices(i);
          return {
            x: fromData(take(training.x, indices, width), [size, width]),
            truth: fromData(take(training.truth, indices), [size]),
          };
        },
        evaluation: {
          every: Math.max(1, Math.round(order.steps / 20)),
          evaluate: ({ params }) => evaluate(params),
          better,
          patience: 6,
          onEvaluation: (at, value) => curve.push([at, value]),
        },
        signal,
        onStep: (_, __, { fraction }) => onProgress?.(fraction),
      });
      return {
        params: fitted.state.params,
        best: fitted.best!.value,
        seconds: (performance.now() - started) / 1000,
        steps: fitted.steps,
        curve,
      };
    },
    async predict(params, link, x) {
      const run = memoized(predictors, link, predictorOf);
      const n = x.length / width;
      const each = outputs;
      const out = new Float32Array(n * each);
      for (let start = 0; start < n; start += CHUNK) {
        const chunk = new Float32Array(CHUNK * width);
        chunk.set(x.subarray(start * width, (start + CHUNK) * width));
        const results = values(await run(params, fromData(chunk, [CHUNK, width])));
        out.set((results as Float32Array).subarray(0, Math.min(CHUNK, n - start) * each), start * each);
      }
      return out;
    },
  };
}

type State = ReturnType<ReturnType<typeof adam>["init"]> & { params: Parameters };

/** Batches of a size that suits the number of rows, and epochs for 300 to 1,200 steps. */
function schedule(count: number): { size: number; repeats: number } {
  const size = Math.min(count, count >= 1000 ? 64 : count >= 200 ? 32 : 16);
  const perEpoch = Math.floor(count / size);
  const steps = Math.min(1200, Math.max(300, 20 * perEpoch));
  return { size, repeats: steps / perEpoch };
}

/** A step blocks the thread, so signals and progress bars would wait for all of training without pauses. */
function pauses(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < 50) return;
    await new Promise((resolve) => setImmediate(resolve));
    last = performance.now();
  };
}

function memoized<K, V>(known: Map<K, V>, key: K, make: (key: K) => V): V {
  const value = known.get(key) ?? make(key);
  known.set(key, value);
  return value;
}
