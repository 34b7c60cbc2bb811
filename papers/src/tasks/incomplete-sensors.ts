/** Regression from sensor readings of which some are silently too low, and the one way of training on it. */
import { compile, fromData, reshape, type Tensor, values } from "nearmiss";
import { incompleteObservations, sensorReadings, split, take } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { mean, standardDeviation } from "nearmiss/stats";
import { remember } from "../remember.ts";

export interface Readings {
  /** [n, inputs] */
  x: Float32Array;
  /** As the sensor told them, some too low, [n]. */
  observed: Float32Array;
  /** As they would be if all observations were complete, [n]. */
  clean: Float32Array;
}

export interface SensorTask {
  inputs: number;
  /** Labels are in units of the standard deviation of all clean labels. */
  train: Readings;
  validation: Readings;
  test: Readings;
}

export interface SensorTaskSize {
  train: number;
  validation: number;
  test: number;
  /** β, the probability that an observation is complete. */
  completeness: number;
  /** Mean loss of an incomplete observation in standard deviations of the labels, beyond the noise. */
  loss: number;
  seed: number;
}

/** A made-up field: a smooth function of three coordinates with normal noise of a third of its spread. */
export const field = remember((size: SensorTaskSize): SensorTask => {
  const stream = random(size.seed).split("field");
  const count = size.train + size.validation + size.test;
  const x = stream.split("places").uniform(count * 3, -1, 1);
  const noise = stream.split("noise").normal(new Float64Array(count), 0, 0.3);
  const labels = Float64Array.from(noise, (e, i) => {
    const [a, b, c] = x.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
    return Math.sin(Math.PI * a) + b * b + a * c + e;
  });
  return weaken({ x, inputs: 3, labels, noise }, size, stream);
});

/**
 * Humidity from temperature, the sensor and the hour, 18,765 readings of four wireless sensors without those under
 * steam. Its true function is unknown, so what incomplete readings lose does not depend on the noise.
 */
export const humidity = remember((size: SensorTaskSize): SensorTask => {
  const readings = sensorReadings().filter(({ anomaly }) => !anomaly);
  const inputs = 6;
  const x = Float32Array.from(
    readings.flatMap(({ sensor, temperature, reading }) => [
      ...[1, 2, 3, 4].map((id) => Number(id === sensor)),
      (temperature - 27.5) / 2,
      (reading - 2500) / 1450,
    ]),
  );
  const labels = Float64Array.from(readings, (reading) => reading.humidity);
  return weaken({ x, inputs, labels }, size, random(size.seed).split("humidity"));
});

/** Draws the parts and makes some labels of training and validation too low. */
function weaken(
  {
    x,
    inputs,
    labels,
    noise,
  }: { x: Float32Array; inputs: number; labels: Float64Array; noise?: Float64Array },
  { train, validation, test, completeness, loss }: SensorTaskSize,
  stream: Random,
): SensorTask {
  const spread = standardDeviation(labels);
  const { labels: observed } = incompleteObservations(labels, {
    completeness,
    scale: loss * spread,
    noise,
    random: stream.split("incomplete"),
  });
  const scaled = (y: Float64Array) => Float32Array.from(y, (value) => value / spread);
  const [clean, weak] = [scaled(labels), scaled(observed)];
  const [a, b, c] = split(labels.length, {
    sizes: [train, validation, test],
    random: stream.split("parts"),
  }).map(
    (indices): Readings => ({
      x: take(x, indices, inputs),
      observed: take(weak, indices),
      clean: take(clean, indices),
    }),
  );
  return { inputs, train: a!, validation: b!, test: c! };
}

/** Mean loss of predictions [n] against labels [n]. */
export type RegressionLoss = (predictions: Tensor, labels: Tensor) => Tensor;

export interface RegressorOptions {
  x: Float32Array;
  labels: Float32Array;
  inputs: number;
  loss: RegressionLoss;
  learningRate: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Trains a network of two hidden layers of 32 on standardised labels; returns its predictions as a function. */
export async function trainRegressor(
  options: RegressorOptions,
): Promise<(x: Float32Array) => Promise<Float32Array>> {
  const { x, labels, inputs, loss, learningRate, epochs, batchSize, seed, signal, onStep } = options;
  const network = mlp([inputs, 32, 32, 1]);
  type Params = ReturnType<typeof network.init>;
  const predict = (params: Params, rows: Tensor) => reshape(network.apply(params, rows), [rows.shape[0]!]);
  const [center, spread] = [mean(labels), standardDeviation(labels)];
  const standard = labels.map((y) => (y - center) / spread);
  const optimizer = adam({ learningRate });
  const root = random(seed);
  const order = inEpochs({ count: labels.length, size: batchSize, random: root.split("batches"), epochs });
  const {
    state: { params },
  } = await fit({
    state: optimizer.init(network.init(root.split("weights"))),
    step: trainingStep({
      loss: (p: Params, batch: { x: Tensor; y: Tensor }) => loss(predict(p, batch.x), batch.y),
      optimizer,
      compile: { threads: 1 },
    }),
    steps: order.steps,
    batch: (i) => ({
      x: fromData(take(x, order.indices(i), inputs), [batchSize, inputs]),
      y: fromData(take(standard, order.indices(i)), [batchSize]),
    }),
    signal,
    onStep: (i, value) => onStep?.(i, order.steps, value),
  });
  const run = compile(predict, { threads: 1 });
  return async (rows) => {
    const found = values(await run(params, fromData(rows, [rows.length / inputs, inputs])));
    return Float32Array.from(found, (value) => center + spread * value);
  };
}
