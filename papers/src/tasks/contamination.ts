/** Training data of which a known part is bad, and training that counts which rows the loss left out. */
import { compile, fromData, reshape, type Tensor, valueAndGrad, values } from "nearmiss";
import { bostonHouses, mnist, split, take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

export interface Rows {
  /** [n, inputs] */
  x: Float32Array;
  /** Numbers, or classes, [n]. */
  targets: Float32Array | Int32Array;
}

export interface ContaminatedTask {
  inputs: number;
  /** Widths of the hidden layers that suit the task. */
  hidden: number[];
  /** Missing in a regression. */
  classes?: number;
  /** Its bad rows are 1 in `bad`. */
  train: Rows & { bad: Uint8Array };
  /** Clean, as the test is. */
  validation: Rows;
  test: Rows;
}

export interface ContaminatedSize {
  train: number;
  validation: number;
  test: number;
  /** Share of the training rows that are made bad. */
  contamination: number;
  seed: number;
}

/** A regression whose bad targets are 5 to 10 standard deviations too high or too low. */
function regression(
  x: Float32Array,
  y: Float32Array,
  name: string,
  size: ContaminatedSize,
): ContaminatedTask {
  const root = random(size.seed).split(name);
  const inputs = x.length / y.length;
  const parts = split(y.length, {
    sizes: [size.train, size.validation, size.test],
    random: root.split("split"),
  }).map((rows) => ({ x: take(x, rows, inputs), targets: take(y, rows) }));
  const scale = parts[0]!;
  const columns = Array.from({ length: inputs }, (_, j) =>
    moments(scale.x.filter((_, i) => i % inputs === j)),
  );
  const target = moments(scale.targets);
  const [train, validation, test] = parts.map((part) => ({
    x: part.x.map((value, i) => (value - columns[i % inputs]!.mean) / columns[i % inputs]!.deviation),
    targets: part.targets.map((value) => (value - target.mean) / target.deviation),
  })) as [{ x: Float32Array; targets: Float32Array }, Rows, Rows];
  const { bad, draw } = chosen(root, size);
  const targets = train.targets.map((y, i) =>
    bad[i] ? y + (draw.bernoulli(1, 0.5)[0] ? 1 : -1) * draw.uniform(1, 5, 10)[0]! : y,
  );
  return { inputs, hidden: [64, 64], train: { x: train.x, targets, bad }, validation, test };
}

/** Prices of houses in 506 districts of Boston, standardised, from 12 measurements (all but that of race). */
export const houses = remember((size: ContaminatedSize): ContaminatedTask => {
  const tracts = bostonHouses();
  const x = tracts.flatMap(({ features }) => features.filter((_, i) => i !== RACE));
  const prices = Float32Array.from(tracts, ({ value }) => value);
  return regression(Float32Array.from(x), prices, "houses", size);
}, 12);

/** Place of the column `b` in `houseFeatures`. */
const RACE = 11;

/** Friedman's first function: 10 sin(π x₁ x₂) + 20 (x₃ − 1/2)² + 10 x₄ + 5 x₅ + noise, ten inputs in [0, 1]. */
export const friedman = remember((size: ContaminatedSize): ContaminatedTask => {
  const count = size.train + size.validation + size.test;
  const draw = random(size.seed).split("friedman data");
  const x = draw.uniform(count * 10);
  const y = Float32Array.from(draw.normal(count), (noise, i) => {
    const [a, b, c, d, e] = x.subarray(i * 10, i * 10 + 5) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    return 10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + noise;
  });
  return regression(x, y, "friedman", size);
}, 12);

/** Handwritten digits of 14 × 14 pixels; a bad label is one of the nine others. */
export const mislabelledDigits = remember((size: ContaminatedSize): ContaminatedTask => {
  const parts = mnist({ ...size, size: 14 });
  const rows = ({ images, labels }: (typeof parts)["train"]) => ({ x: images, targets: labels });
  const { bad, draw } = chosen(random(size.seed).split("digits"), size);
  const targets = parts.train.labels.map((label, i) => (bad[i] ? (label + draw.integer(1, 10)) % 10 : label));
  return {
    inputs: 196,
    classes: 10,
    hidden: [64],
    train: { x: parts.train.images, targets, bad },
    validation: rows(parts.validation),
    test: rows(parts.test),
  };
}, 12);

/** Which training rows are bad, and a stream for how. */
function chosen(root: Random, { train, contamination }: ContaminatedSize): { bad: Uint8Array; draw: Random } {
  const bad = new Uint8Array(train);
  for (const i of root.split("bad").sample(train, Math.round(train * contamination))) bad[i] = 1;
  return { bad, draw: root.split("how") };
}

function moments(x: ArrayLike<number>): { mean: number; deviation: number } {
  const list = Array.from(x);
  const mean = list.reduce((a, b) => a + b) / list.length;
  const squares = list.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / list.length) || 1 };
}

/**
 * The loss of a batch, a scalar, and which of its rows it kept, [n] of 0 and 1. Outputs are [n] in a
 * regression and logits [n, classes] in a classification. The threshold, a scalar, changes with the epoch.
 */
export type MaskingLoss = (
  outputs: Tensor,
  targets: Tensor,
  threshold: Tensor,
) => { loss: Tensor; kept: Tensor };

export interface TrainMaskedOptions {
  task: ContaminatedTask;
  loss: MaskingLoss;
  /** From the fraction of training that is done to the loss's threshold. */
  threshold: (done: number) => number;
  learningRate: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  onEpoch?: (epoch: number, loss: number) => void;
}

/** Trains a fully connected network by Adam; counts how often each row was left out. */
export async function trainMasked(options: TrainMaskedOptions) {
  const { task, loss, threshold, learningRate, epochs, batchSize, seed, signal, onEpoch } = options;
  const { inputs, hidden, classes, train } = task;
  const network = mlp([inputs, ...hidden, classes ?? 1]);
  const optimizer = adam({ learningRate });
  const root = random(seed);
  const outputsOf = (params: ReturnType<typeof network.init>, x: Tensor) => {
    const outputs = network.apply(params, x);
    return classes ? outputs : reshape(outputs, [x.shape[0]!]);
  };
  const start = () => optimizer.init(network.init(root.split("weights")));
  const compiled = compile(
    (state: ReturnType<typeof start>, batch: { x: Tensor; targets: Tensor; threshold: Tensor }) => {
      const [[value, kept], gradients] = valueAndGrad((params: typeof state.params) => {
        const result = loss(outputsOf(params, batch.x), batch.targets, batch.threshold);
        return [result.loss, result.kept] as const;
      })(state.params);
      return { state: optimizer.update(state, gradients), loss: value, kept };
    },
    { threads: 1 },
  );
  const order = inEpochs({
    count: train.targets.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const masked = new Float64Array(train.targets.length);
  let indices = order.indices(0);
  const { state } = await fit({
    state: start(),
    step: async (state, batch: Parameters<typeof compiled>[1]) => {
      const result = await compiled(state, batch);
      values(result.kept).forEach((kept, i) => {
        masked[indices[i]!]! += 1 - kept;
      });
      return result;
    },
    steps: order.steps,
    batch: (i) => {
      indices = order.indices(i);
      return {
        x: fromData(take(train.x, indices, inputs), [batchSize, inputs]),
        targets: fromData(take(train.targets, indices), [batchSize]),
        threshold: fromData(Float32Array.of(threshold(i / order.steps)), []),
      };
    },
    signal,
    onStep: (i, value) => {
      if (i % order.perEpoch === 0) onEpoch?.(i / order.perEpoch, value);
    },
  });
  const forward = compile(outputsOf, { threads: 1 });
  return {
    /** Outputs for rows [n, inputs], row by row. */
    predict: async (x: Float32Array) =>
      values(await forward(state.params, fromData(x, [x.length / inputs, inputs]))) as Float32Array,
    /** How often each training row was left out. */
    masked,
  };
}
