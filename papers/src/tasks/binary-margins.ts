/** Binary classification by the margin y f of a network's score, on few and partly mislabelled examples. */
import { compile, fromData, multiply, reshape, type Tensor, valueAndGrad, values } from "nearmiss";
import { mnist, split, take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { type Dense, mlp } from "nearmiss/nn";
import { clipByGlobalNorm, schedules, sgd } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import { type Examples, emails, type TaskSize } from "./classification.ts";

export interface BinaryTask {
  inputs: number;
  /** Width of the hidden layer. */
  hidden: number;
  /** Labels are 0 or 1. */
  train: Examples;
  validation: Examples;
  test: Examples;
}

const all = remember(() => mnist({ train: 10_000, test: 0, size: 14 }).train);

/** Two digits of 14 × 14 pixels; a share of the training labels is turned. */
const digitPair = (first: number, second: number) =>
  remember(({ train, validation, test, seed, noise }: TaskSize & { noise: number }): BinaryTask => {
    const { images, labels } = all();
    const chosen = Array.from(labels.keys()).filter((i) => labels[i] === first || labels[i] === second);
    const draw = random(seed).split(`digits ${first} and ${second}`);
    const parts = split(chosen.length, { sizes: [train, validation, test], random: draw }).map(
      (rows): Examples => {
        const picked = take(Int32Array.from(chosen), rows);
        return {
          x: take(images, picked, 196),
          labels: Int32Array.from(picked, (i) => Number(labels[i] === second)),
        };
      },
    );
    const flips = draw.split("noise");
    const noisy = parts[0]!.labels.map((label) => (flips.next() < noise ? 1 - label : label));
    return {
      inputs: 196,
      hidden: 128,
      train: { x: parts[0]!.x, labels: noisy },
      validation: parts[1]!,
      test: parts[2]!,
    };
  });

export type BinaryTaskOf = (size: TaskSize & { noise: number }) => BinaryTask;

export const binaryTasks: Record<string, BinaryTaskOf> = {
  "3 and 5": digitPair(3, 5),
  "4 and 9": digitPair(4, 9),
  // Spam or not: real mails, labels as they are.
  emails: (size) => ({ ...emails({ ...size }), hidden: 64 }),
};

export interface MarginTraining {
  task: BinaryTask;
  /** Mean loss of margins z [n]; of a random loss it gets the derivatives [n] of this step. */
  loss: (margins: Tensor, derivatives: Tensor) => Tensor;
  /** Derivatives of a random loss at the margins of a step, from a stream of the step's own. Default: none. */
  derivatives?: (margins: Float32Array, random: Random) => ArrayLike<number>;
  /** Largest norm of the gradient. Default: none. */
  clip?: number;
  learningRate: number;
  epochs: number;
  batchSize: number;
  seed: number;
  signal?: AbortSignal;
  /** Called after each epoch. */
  onEpoch?: (epoch: number, classify: Classify) => Promise<void>;
}

/** Predicted labels, 0 or 1, of rows [n, inputs]. */
export type Classify = (x: Float32Array) => Promise<Int32Array>;

/** Momentum 0.9, weight decay 0.0005, the learning rate falling along a cosine. */
export async function trainMargins(options: MarginTraining): Promise<Classify> {
  const { task, loss, derivatives, clip, learningRate, epochs, batchSize, seed, signal, onEpoch } = options;
  const { inputs, hidden, train } = task;
  const root = random(seed);
  const network = mlp([inputs, hidden, 1]);
  const order = inEpochs({
    count: train.labels.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const optimizer = sgd({
    learningRate: schedules.cosine({ from: learningRate, steps: order.steps }),
    momentum: 0.9,
    weightDecay: 5e-4,
  });
  const start = optimizer.init(network.init(root.split("weights")));
  const score = (params: Dense[], x: Tensor) => reshape(network.apply(params, x), [x.shape[0]!]);
  const scores = compile(score, { threads: 1 });
  const step = compile(
    (state: typeof start, batch: { x: Tensor; signs: Tensor; slopes: Tensor }) => {
      const [value, gradients] = valueAndGrad((params: Dense[]) =>
        loss(multiply(score(params, batch.x), batch.signs), batch.slopes),
      )(state.params as Dense[]);
      const taken = clip ? clipByGlobalNorm(gradients, clip) : gradients;
      return { state: optimizer.update(state, taken), loss: value };
    },
    { threads: 1 },
  );
  const classifyWith =
    (params: Dense[]): Classify =>
    async (x) => {
      const found = await scores(params, fromData(x, [x.length / inputs, inputs]));
      return Int32Array.from(values(found), (score) => Number(score > 0));
    };
  const draws = root.split("losses");
  const { state } = await fit({
    state: start,
    step: async (current, i: number) => {
      const rows = order.indices(i);
      const x = fromData(take(train.x, rows, inputs), [batchSize, inputs]);
      const signs = Float32Array.from(rows, (row) => 2 * train.labels[row]! - 1);
      const slopes = new Float32Array(batchSize);
      if (derivatives) {
        const outputs = values(await scores(current.params as Dense[], x));
        slopes.set(
          derivatives(
            signs.map((sign, j) => sign * outputs[j]!),
            draws.split(i),
          ),
        );
      }
      const next = await step(current, {
        x,
        signs: fromData(signs, [batchSize]),
        slopes: fromData(slopes, [batchSize]),
      });
      if ((i + 1) % order.perEpoch === 0)
        await onEpoch?.((i + 1) / order.perEpoch, classifyWith(next.state.params as Dense[]));
      return next;
    },
    steps: order.steps,
    batch: (i) => i,
    signal,
  });
  return classifyWith(state.params as Dense[]);
}
