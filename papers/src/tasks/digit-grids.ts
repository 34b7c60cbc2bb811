/** Which digits are in a picture of four, learnt from one known digit a picture. */
import { compile, fromData, max, relu, reshape, type Tensor, values } from "nearmiss";
import { mnist, take } from "nearmiss/data";
import { epochs as inEpochs, trainingStep } from "nearmiss/fit";
import type { PseudoLabels } from "nearmiss/negatives";
import { dense } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

export const CLASSES = 10;
const QUARTER = 196;

export interface DigitGrids {
  /** Four digits of 14 × 14 pixels a picture, [n, 4 · 196]. */
  images: Float32Array;
  /** 1 for each digit that is there, [n, 10]. */
  labels: Float32Array;
  /** 1 for one of them, drawn at random, [n, 10]. */
  observed: Float32Array;
}

export interface GridSize {
  train: number;
  validation: number;
  test: number;
  seed: number;
}

/** Pictures of training, validation and test share no digit. */
export const digitGrids = remember(({ train, validation, test, seed }: GridSize) => {
  const digits = mnist({ train: 6000, validation: 1500, test: 2500, seed, size: 14 });
  const stream = random(seed).split("grids");
  return {
    train: grids(digits.train, train, stream.split("train")),
    validation: grids(digits.validation, validation, stream.split("validation")),
    test: grids(digits.test, test, stream.split("test")),
  };
});

function grids(
  { images, labels }: { images: Float32Array; labels: Int32Array },
  count: number,
  stream: Random,
): DigitGrids {
  const result = {
    images: new Float32Array(count * 4 * QUARTER),
    labels: new Float32Array(count * CLASSES),
    observed: new Float32Array(count * CLASSES),
  };
  for (let i = 0; i < count; i++) {
    const four = stream.sample(labels.length, 4);
    result.images.set(take(images, four, QUARTER), i * 4 * QUARTER);
    const present = [...new Set(take(labels, four))];
    for (const digit of present) result.labels[i * CLASSES + digit] = 1;
    result.observed[i * CLASSES + stream.choice(present)] = 1;
  }
  return result;
}

/** What a loss may know of a batch; all [batch, 10]. */
export interface GridBatch {
  labels: Tensor;
  observed: Tensor;
  /** Whether there is a pseudo-label, and which. */
  chosen: Tensor;
  targets: Tensor;
}

export interface GridOptions {
  train: DigitGrids;
  loss: (logits: Tensor, batch: GridBatch) => Tensor;
  learningRate: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  /**
   * Called after each epoch, from 1, with a function that gives probabilities [n, 10]; what it returns are the
   * pseudo-labels of the next epoch. Default: none.
   */
  onEpoch?: (
    epoch: number,
    probabilities: (images: Float32Array) => Promise<Float32Array>,
  ) => Promise<PseudoLabels | undefined>;
}

/**
 * Trains a network that looks at each quarter with the same 64 units, takes the largest answers over the
 * quarters and joins them by 64 more; returns its probabilities as a function.
 */
export async function trainOnGrids(
  options: GridOptions,
): Promise<(images: Float32Array) => Promise<Float32Array>> {
  const { train, loss, learningRate, epochs, batchSize, seed, signal, onEpoch } = options;
  const [eye, middle, head] = [dense(QUARTER, 64), dense(64, 64), dense(64, CLASSES)];
  const root = random(seed);
  const start = {
    eye: eye.init(root.split("eye")),
    middle: middle.init(root.split("middle")),
    head: head.init(root.split("head")),
  };
  type Params = typeof start;
  const apply = (params: Params, images: Tensor) => {
    const count = images.shape[0]! / 4;
    const seen = relu(middle.apply(params.middle, relu(eye.apply(params.eye, images))));
    return head.apply(params.head, max(reshape(seen, [count, 4, 64]), { axis: 1 }));
  };
  const optimizer = adam({ learningRate });
  const step = trainingStep({
    loss: (params: Params, { images, ...batch }: GridBatch & { images: Tensor }) =>
      loss(apply(params, images), batch),
    optimizer,
    compile: { threads: 1 },
  });
  const forward = compile(apply, { threads: 1 });
  let state = optimizer.init(start);
  const probabilities = async (images: Float32Array) => {
    const logits = values(await forward(state.params, fromData(images, [images.length / QUARTER, QUARTER])));
    return Float32Array.from(logits, (z) => 1 / (1 + Math.exp(-z)));
  };
  const count = train.labels.length / CLASSES;
  const order = inEpochs({ count, size: batchSize, random: root.split("batches"), epochs });
  let pseudo: PseudoLabels = {
    chosen: new Uint8Array(count * CLASSES),
    targets: new Float32Array(count * CLASSES),
  };
  for (let i = 0; i < order.steps; i++) {
    signal?.throwIfAborted();
    const rows = order.indices(i);
    const of = (table: Float32Array) => fromData(take(table, rows, CLASSES), [batchSize, CLASSES]);
    const batch = {
      images: fromData(take(train.images, rows, 4 * QUARTER), [4 * batchSize, QUARTER]),
      labels: of(train.labels),
      observed: of(train.observed),
      chosen: of(Float32Array.from(pseudo.chosen)),
      targets: of(pseudo.targets),
    };
    state = (await step(state, batch)).state;
    const epoch = (i + 1) / order.perEpoch;
    if (onEpoch && Number.isInteger(epoch)) pseudo = (await onEpoch(epoch, probabilities)) ?? pseudo;
  }
  return probabilities;
}
