/**
 * Anomaly detection by reconstruction: autoencoders that are trained on normal rows, all in one way, and
 * scored by the plain mean squared error of what they give back, whatever loss they were trained with.
 */
import {
  compile,
  fromData,
  mean,
  sigmoid,
  square,
  subtract,
  type Tensor,
  valueAndGrad,
  values,
} from "nearmiss";
import { mnist, sensorReadings, take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { type Dense, mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { oneClassSplit } from "nearmiss/uncertainty";
import { remember } from "../remember.ts";

export interface Judged {
  /** [n, inputs] */
  x: Float32Array;
  /** 1 for anomalies, 0 for normal rows, [n]. */
  anomalous: Uint8Array;
}

export interface AnomalyTask {
  inputs: number;
  /** [n, inputs], values in [0, 1]. */
  train: Float32Array;
  /** For choosing learning rates and for stopping. */
  validation: Judged;
  test: Judged;
}

export interface AnomalyTaskSize {
  train: number;
  /** Normal rows for validation, and for the test; there are as many anomalies where the data has them. */
  validation: number;
  test: number;
  /** Share of the training rows that are anomalies. */
  contamination?: number;
  seed: number;
}

export interface DigitTaskOptions extends AnomalyTaskSize {
  /** The digit that is the only anomaly, or the only normal one. */
  digit: number;
  role: "anomaly" | "normal";
  /** Pixels a side. */
  size: 14 | 28;
}

const allDigits = remember((size: 14 | 28) => mnist({ train: 10_000, test: 0, size }).train, 2);

/** Handwritten digits of which one is the anomaly, or the only normal one. */
export const digitAnomalies = remember(({ digit, role, size, ...sizes }: DigitTaskOptions): AnomalyTask => {
  const { images, labels } = allDigits(size);
  const anomalous = Array.from(labels, (label) => (label === digit) === (role === "anomaly"));
  return cut(images, anomalous, size * size, { anomalies: sizes, name: `${role} ${digit}`, ...sizes });
});

const WINDOW = 4;

/**
 * Humidity and temperature of two wireless sensors in windows of four readings, 8 numbers: per cent / 100,
 * degrees Celsius / 60. Anomalous are windows with a reading near which steam was let out, of which there
 * are 155: a third goes into validation, a third into the test.
 */
export const sensorAnomalies = remember((sizes: AnomalyTaskSize): AnomalyTask => {
  const rows: number[] = [];
  const anomalous: boolean[] = [];
  for (const sensor of [1, 4]) {
    const readings = sensorReadings().filter((reading) => reading.sensor === sensor);
    for (let i = 0; i + WINDOW <= readings.length; i++) {
      const window = readings.slice(i, i + WINDOW);
      rows.push(...window.flatMap(({ humidity, temperature }) => [humidity / 100, temperature / 60]));
      anomalous.push(window.some(({ anomaly }) => anomaly));
    }
  }
  const third = { validation: 50, test: 50 };
  return cut(Float32Array.from(rows), anomalous, 2 * WINDOW, { anomalies: third, name: "sensors", ...sizes });
});

function cut(
  rows: Float32Array,
  anomalous: boolean[],
  inputs: number,
  {
    train,
    validation,
    test,
    contamination,
    seed,
    anomalies,
    name,
  }: AnomalyTaskSize & { anomalies: { validation: number; test: number }; name: string },
): AnomalyTask {
  const parts = oneClassSplit(anomalous, {
    train,
    evaluation: [
      { normal: validation, anomalous: Math.min(validation, anomalies.validation) },
      { normal: test, anomalous: Math.min(test, anomalies.test) },
    ],
    contamination,
    random: random(seed).split("anomalies").split(name),
  });
  const [a, b] = parts.evaluation.map(
    (part): Judged => ({
      x: take(rows, part.rows, inputs),
      anomalous: part.anomalous,
    }),
  );
  return { inputs, train: take(rows, parts.train, inputs), validation: a!, test: b! };
}

/** Loss of a batch: reconstructions and inputs, both [n, inputs], to a scalar. */
export type ReconstructionLoss = (reconstructions: Tensor, x: Tensor) => Tensor;

export interface AutoencoderOptions {
  task: AnomalyTask;
  learningRate: number;
  epochs: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  /** Called at the start (epoch 0) and after every epoch with the error on normal validation rows. */
  onEpoch?: (epoch: number, error: number) => void;
}

export interface Autoencoder {
  params: Dense[];
  /** The lowest mean squared error on normal validation rows, where training was stopped. */
  error: number;
  /** [n, inputs] → the same. */
  reconstruct(x: Float32Array, params?: Dense[]): Promise<Float32Array>;
}

/**
 * A way to train fully connected autoencoders with sigmoid outputs by Adam. Training keeps the weights
 * after the epoch with the lowest mean squared error on normal validation rows, for every loss. The graph
 * is compiled once for all learning rates and seeds.
 *
 * @param widths Of all layers, for instance [196, 64, 16, 64, 196].
 */
export function autoencoderTrainer(widths: readonly number[], loss: ReconstructionLoss, batchSize: number) {
  const network = mlp(widths);
  const reconstruct = (params: Dense[], x: Tensor) => sigmoid(network.apply(params, x));
  const start = (seed: number) => adam().init(network.init(random(seed).split("weights")));
  const step = compile(
    (state: ReturnType<typeof start>, batch: { x: Tensor; learningRate: Tensor }) => {
      const [value, gradients] = valueAndGrad((params: Dense[]) =>
        loss(reconstruct(params, batch.x), batch.x),
      )(state.params);
      const optimizer = adam({ learningRate: () => batch.learningRate });
      return { state: optimizer.update(state, gradients), loss: value };
    },
    { threads: 1 },
  );
  const apply = compile(reconstruct, { threads: 1 });
  const errorOf = compile((params: Dense[], x: Tensor) => mean(square(subtract(reconstruct(params, x), x))), {
    threads: 1,
  });

  return async (options: AutoencoderOptions): Promise<Autoencoder> => {
    const { task, learningRate, epochs, seed, signal, onEpoch } = options;
    const { inputs, train, validation } = task;
    const normal = rowsOf(validation, 0, inputs);
    const held = fromData(normal, [normal.length / inputs, inputs]);
    const order = inEpochs({
      count: train.length / inputs,
      size: batchSize,
      random: random(seed).split("batches"),
      epochs,
    });
    const rate = fromData(Float32Array.of(learningRate), []);
    const initial = start(seed);
    onEpoch?.(0, values(await errorOf(initial.params, held))[0]!);
    const { state, best } = await fit({
      state: initial,
      step,
      steps: order.steps,
      batch: (i) => ({
        x: fromData(take(train, order.indices(i), inputs), [batchSize, inputs]),
        learningRate: rate,
      }),
      evaluation: {
        every: order.perEpoch,
        evaluate: async ({ params }) => values(await errorOf(params, held))[0]!,
        better: "lower",
        onEvaluation: (at, error) => onEpoch?.(at / order.perEpoch, error),
      },
      signal,
    });
    return {
      params: state.params,
      error: best!.value,
      reconstruct: async (x, params = state.params) =>
        values(await apply(params, fromData(x, [x.length / inputs, inputs]))) as Float32Array,
    };
  };
}

/** The normal (0) or anomalous (1) rows. */
export function rowsOf({ x, anomalous }: Judged, kind: 0 | 1, inputs: number): Float32Array {
  return take(
    x,
    Int32Array.from(anomalous.keys()).filter((i) => anomalous[i] === kind),
    inputs,
  );
}

/** The mean squared error on normal validation rows of always giving back the mean training row. */
export function errorOfMeanRow({ inputs, train, validation }: AnomalyTask): number {
  const average = new Float64Array(inputs);
  train.forEach((value, i) => {
    average[i % inputs]! += (value * inputs) / train.length;
  });
  const normal = rowsOf(validation, 0, inputs);
  return normal.reduce((total, value, i) => total + (value - average[i % inputs]!) ** 2, 0) / normal.length;
}

/**
 * How steeply the error rises around the trained weights: the mean over random directions of the mean
 * squared error at a distance, less that at the weights. Directions are filter-normalised (Li et al. 2018):
 * what is added to a unit's weights is `radius` times as long as they are; biases stay.
 */
export async function sharpness(
  { params, reconstruct }: Autoencoder,
  rows: Float32Array,
  { radius, directions, seed }: { radius: number; directions: number; seed: number },
): Promise<number> {
  const errorAt = async (at: Dense[]) => squaredDistance(rows, await reconstruct(rows, at)) / rows.length;
  const center = await errorAt(params);
  let rise = 0;
  for (let d = 0; d < directions; d++) {
    const draw = random(seed).split("directions").split(d);
    const moved = params.map((layer, i) => ({
      ...layer,
      weight: moveColumns(layer.weight, draw.split(i), radius),
    }));
    rise += ((await errorAt(moved)) - center) / directions;
  }
  return rise;
}

/** A weight [inputs, units] plus a random direction in which each unit's column is `radius` times its own length. */
function moveColumns(weight: Tensor, draw: Random, radius: number): Tensor {
  const [inputs, units] = weight.shape as [number, number];
  const before = values(weight);
  const direction = draw.normal(inputs * units);
  const length = (x: ArrayLike<number>, unit: number) =>
    Math.sqrt(Array.from({ length: inputs }, (_, i) => x[i * units + unit]! ** 2).reduce((a, b) => a + b));
  const factors = Array.from(
    { length: units },
    (_, unit) => (radius * length(before, unit)) / length(direction, unit),
  );
  const moved = before.map((value, i) => value + direction[i]! * factors[i % units]!);
  return fromData(moved, weight.shape);
}

const squaredDistance = (a: Float32Array, b: Float32Array) =>
  a.reduce((total, value, i) => total + (value - b[i]!) ** 2, 0);
