/** Two-class tasks whose training labels are known as proportions of bags only, and the training on them. */
import { compile, fromData, reshape, type Tensor, values } from "nearmiss";
import { type Bags, makeBags, mnist, take } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";
import { type Examples, emails as mails, type Task, type TaskSize } from "./classification.ts";

/** Even or odd: handwritten digits of 14 × 14 pixels. */
export const parity = remember(({ train, validation, test, seed }: TaskSize): Task => {
  const parts = mnist({ train, validation, test, seed, size: 14 });
  const examples = ({ images, labels }: (typeof parts)["train"]): Examples => ({
    x: images,
    labels: labels.map((digit) => digit % 2),
  });
  return {
    inputs: 196,
    classes: 2,
    hidden: [32],
    train: examples(parts.train),
    validation: examples(parts.validation),
    test: examples(parts.test),
  };
});

/** Spam or not, linear in the words. */
export const emails = (size: TaskSize): Task => ({ ...mails(size), hidden: [] });

/** Mean loss of logits [bags, size] with the proportions of positives [bags] and their mean over all bags. */
export type BagLoss = (logits: Tensor, proportions: Tensor, prior: number) => Tensor;

export interface BagOptions {
  task: Task;
  loss: BagLoss;
  /** Instances in a bag; must divide `batchSize`. */
  bagSize: number;
  learningRate: number;
  epochs: number;
  /** Instances in a step. */
  batchSize: number;
  /** Decides bags, initial weights and batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Trains on bags; returns the logits of instances [n, inputs] as a function. */
export async function trainOnBags(options: BagOptions): Promise<(x: Float32Array) => Promise<Float32Array>> {
  const { task, loss, bagSize, learningRate, epochs, batchSize, seed, signal, onStep } = options;
  const { inputs, hidden, train } = task;
  const network = mlp([inputs, ...hidden, 1]);
  type Params = ReturnType<typeof network.init>;
  const root = random(seed);
  const { indices, proportions } = bagsOf(train.labels, bagSize, seed);
  const prior = proportions.reduce((a, b) => a + b, 0) / proportions.length;
  const perBatch = batchSize / bagSize;
  const optimizer = adam({ learningRate });
  const order = inEpochs({
    count: proportions.length,
    size: perBatch,
    random: root.split("batches"),
    epochs,
  });
  const {
    state: { params },
  } = await fit({
    state: optimizer.init(network.init(root.split("weights"))),
    step: trainingStep({
      loss: (p: Params, batch: { x: Tensor; proportions: Tensor }) =>
        loss(reshape(network.apply(p, batch.x), [perBatch, bagSize]), batch.proportions, prior),
      optimizer,
      compile: { threads: 1 },
    }),
    steps: order.steps,
    batch: (i) => {
      const bags = order.indices(i);
      const instances = take(indices, bags, bagSize);
      return {
        x: fromData(take(train.x, instances, inputs), [batchSize, inputs]),
        proportions: fromData(take(proportions, bags), [perBatch]),
      };
    },
    signal,
    onStep: (i, value) => onStep?.(i, order.steps, value),
  });
  const run = compile((p: Params, x: Tensor) => network.apply(p, x), { threads: 1 });
  return async (x) => values(await run(params, fromData(x, [x.length / inputs, inputs]))) as Float32Array;
}

const bagsOf = (labels: Int32Array, size: number, seed: number): Bags =>
  makeBags(labels, size, random(seed).split("bags").split(size));

/** Fraction of logits whose sign is that of the label, 1 or 0. */
export const signAccuracy = (logits: Float32Array, labels: Int32Array): number =>
  labels.reduce((right, label, i) => right + Number(logits[i]! >= 0 === (label === 1)), 0) / labels.length;
