/** Classifiers with one hidden layer of keys and values: a score for each key, a mix of values as logits. */
import {
  compile,
  fromData,
  matmul,
  multiply,
  negate,
  relu,
  softmax,
  type Tensor,
  transpose,
  values,
} from "nearmiss";
import { take } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { softmaxCrossEntropy } from "nearmiss/losses";
import {
  heUniform,
  insertPrototype,
  inverseDistanceAttention,
  type Prototypes,
  squaredDistances,
  zeroFill,
} from "nearmiss/nn";
import { adam, schedules, sgd } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import type { Examples } from "./classification.ts";

export interface KeyValueLayer {
  /** Logits [n, classes] of rows x [n, inputs]. */
  logits(params: Prototypes, x: Tensor): Tensor;
  /** Whether keys start near the mean of the data, with values of 0, or at random. */
  start: "mean" | "random";
}

/** The layers that the official code compares, of those that the paper names in its claim. */
export const keyValueLayers = {
  inverseDistance: {
    start: "mean",
    logits: ({ keys, values }, x) => inverseDistanceAttention(x, keys, values),
  },
  dotProduct: {
    start: "random",
    logits: ({ keys, values }, x) =>
      matmul(softmax(multiply(matmul(x, transpose(keys)), 1 / Math.sqrt(keys.shape[0]!))), values),
  },
  negativeDistance: {
    start: "mean",
    logits: ({ keys, values }, x) => matmul(softmax(negate(squaredDistances(x, keys))), values),
  },
  relu: {
    start: "random",
    logits: ({ keys, values }, x) => matmul(relu(matmul(x, transpose(keys))), values),
  },
} satisfies Record<string, KeyValueLayer>;

function initial(
  layer: KeyValueLayer,
  train: Examples,
  inputs: number,
  count: number,
  classes: number,
  draw: Random,
): Prototypes {
  if (layer.start === "random")
    return {
      keys: fromData(values(heUniform(draw.split("keys"), [inputs, count])), [count, inputs]),
      values: heUniform(draw.split("values"), [count, classes]),
    };
  const rows = train.labels.length;
  const [sums, squares] = [new Float64Array(inputs), new Float64Array(inputs)];
  train.x.forEach((value, at) => {
    sums[at % inputs]! += value / rows;
    squares[at % inputs]! += value ** 2 / rows;
  });
  const noise = draw.split("keys").normal(count * inputs);
  const keys = noise.map((value, at) => {
    const j = at % inputs;
    return sums[j]! + 0.1 * Math.sqrt(Math.max(0, squares[j]! - sums[j]! ** 2)) * value;
  });
  return { keys: fromData(keys, [count, inputs]), values: zeroFill(draw, [count, classes]) };
}

export interface KeyValueOptions {
  layer: KeyValueLayer;
  train: Examples;
  /** Number of keys. */
  keys: number;
  classes: number;
  learningRate: number;
  epochs: number;
  batchSize: number;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Trains by cross-entropy with Adam, the learning rate falling along a cosine. */
export async function trainKeyValue(options: KeyValueOptions): Promise<Prototypes> {
  const { layer, train, keys, classes, learningRate, epochs, batchSize, seed, signal, onStep } = options;
  const inputs = train.x.length / train.labels.length;
  const root = random(seed);
  const order = inEpochs({
    count: train.labels.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const optimizer = adam({ learningRate: schedules.cosine({ from: learningRate, steps: order.steps }) });
  const step = trainingStep({
    loss: (params: Prototypes, batch: { x: Tensor; labels: Tensor }) =>
      softmaxCrossEntropy(layer.logits(params, batch.x), batch.labels),
    optimizer,
    compile: { threads: 1 },
  });
  const { state } = await fit({
    state: optimizer.init(initial(layer, train, inputs, keys, classes, root.split("weights"))),
    step,
    steps: order.steps,
    batch: (i) => ({
      x: fromData(take(train.x, order.indices(i), inputs), [batchSize, inputs]),
      labels: fromData(take(train.labels, order.indices(i)), [batchSize]),
    }),
    signal,
    onStep: (i, loss) => onStep?.(i, order.steps, loss),
  });
  return state.params;
}

export type Predict = (params: Prototypes, x: Float32Array) => Promise<Float32Array>;

/** Logits [n, classes] as a function of parameters and rows. */
export function predictor(layer: KeyValueLayer): Predict {
  const run = compile(layer.logits, { threads: 1 });
  return async (params, x) => {
    const inputs = params.keys.shape[1]!;
    return values(await run(params, fromData(x, [x.length / inputs, inputs]))) as Float32Array;
  };
}

/** Changes parameters until one input is assigned a class, or returns them as far as it came. */
export type Repair = (params: Prototypes, x: Float32Array, label: number) => Promise<Prototypes>;

/** By a further prototype. */
export const repairByInsertion: Repair = async (params, x, label) => insertPrototype(params, x, label);

/** By small gradient steps on that input's cross-entropy alone: no more than its correction takes. */
export function repairByGradient(layer: KeyValueLayer, learningRate: number, steps: number): Repair {
  const optimizer = sgd({ learningRate });
  const step = trainingStep({
    loss: (params: Prototypes, batch: { x: Tensor; labels: Tensor }) => {
      const logits = layer.logits(params, batch.x);
      return [softmaxCrossEntropy(logits, batch.labels), { logits }] as const;
    },
    optimizer,
    compile: { threads: 1 },
  });
  return async (params, x, label) => {
    let state = optimizer.init(params);
    const [row, labels] = [fromData(x, [1, x.length]), fromData(Int32Array.of(label), [1])];
    for (let i = 0; i < steps; i++) {
      const next = await step(state, { x: row, labels });
      // The logits are those from before the step.
      const logits = values(next.watched.logits!);
      if (logits.indexOf(Math.max(...logits)) === label) break;
      state = next.state;
    }
    return state.params;
  };
}
