/**
 * Real classification tasks for comparing losses, and the one way in which all of them are trained:
 * Adam on a small network, equal initial weights and batches for equal seeds.
 */
import { compile, fromData, softmax, type Tensor, valueAndGrad, values } from "nearmiss";
import { mnist, spamAssassin, split, supersenses, take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { type Layer, mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { denseBag, hashedBag } from "nearmiss/text";
import { remember } from "../remember.ts";

export interface Examples {
  /** [n, inputs] */
  x: Float32Array;
  /** [n] */
  labels: Int32Array;
}

export interface Task {
  inputs: number;
  classes: number;
  /** Widths of the hidden layers that suit the task. */
  hidden: number[];
  train: Examples;
  /** For choosing hyper-parameters. */
  validation: Examples;
  test: Examples;
}

export interface TaskSize {
  train: number;
  validation: number;
  test: number;
  seed: number;
}

const BUCKETS = 1024;

/** Words as log(1 + count) in hashed buckets: [n, BUCKETS]. */
function bags(texts: readonly string[]): Float32Array {
  const rows = new Float32Array(texts.length * BUCKETS);
  texts.forEach((text, i) => {
    rows.set(
      denseBag(hashedBag(text, BUCKETS), BUCKETS).map((count) => Math.log1p(count)),
      i * BUCKETS,
    );
  });
  return rows;
}

/** Handwritten digits, 10 classes of 784 pixels. */
export const digits = remember(({ train, validation, test, seed }: TaskSize): Task => {
  const parts = mnist({ train, validation, test, seed });
  const examples = ({ images, labels }: (typeof parts)["train"]): Examples => ({ x: images, labels });
  return {
    inputs: 784,
    classes: 10,
    hidden: [256, 128],
    train: examples(parts.train),
    validation: examples(parts.validation),
    test: examples(parts.test),
  };
});

/** Spam or not, from the words of an e-mail's subject and body. */
export const emails = remember(({ train, validation, test, seed }: TaskSize): Task => {
  const mails = spamAssassin();
  const labels = Int32Array.from(mails, (mail) => Number(mail.spam));
  const parts = split(mails.length, {
    sizes: [train, validation, test],
    random: random(seed).split("emails"),
    labels,
  });
  const [a, b, c] = parts.map(
    (indices): Examples => ({
      x: bags(take(mails, indices).map(({ subject, body }) => `${subject}\n${body.slice(0, 2000)}`)),
      labels: take(labels, indices),
    }),
  );
  return { inputs: BUCKETS, classes: 2, hidden: [64], train: a!, validation: b!, test: c! };
});

/** Which of 25 kinds of thing a dictionary definition describes. */
export const definitions = remember(({ train, validation, test, seed }: TaskSize): Task => {
  const parts = supersenses({ train, development: validation, test, seed });
  const examples = ({ texts, labels }: (typeof parts)["train"]): Examples => ({ x: bags(texts), labels });
  return {
    inputs: BUCKETS,
    classes: 25,
    hidden: [128],
    train: examples(parts.train),
    validation: examples(parts.development),
    test: examples(parts.test),
  };
});

/** Mean loss over a batch of logits [n, classes] with labels int32 [n]. */
export type ClassificationLoss = (logits: Tensor, labels: Tensor) => Tensor;

export interface TrainOptions {
  task: Task;
  loss: ClassificationLoss;
  learningRate: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Softmax probabilities [n, classes] for rows [n, inputs]. */
export type Classifier = (x: Float32Array) => Promise<Float32Array>;

/** Trains a fully connected classifier; returns its probabilities as a function. */
export async function trainClassifier(options: TrainOptions): Promise<Classifier> {
  const { task, loss, learningRate, epochs, batchSize, seed, signal, onStep } = options;
  const { inputs, classes, hidden, train } = task;
  const network: Layer<ReturnType<ReturnType<typeof mlp>["init"]>> = mlp([inputs, ...hidden, classes]);
  const optimizer = adam({ learningRate });
  const root = random(seed);
  const step = compile(
    (state: ReturnType<typeof start>, batch: { x: Tensor; labels: Tensor }) => {
      const [value, gradients] = valueAndGrad((params: typeof state.params) =>
        loss(network.apply(params, batch.x), batch.labels),
      )(state.params);
      return { state: optimizer.update(state, gradients), loss: value };
    },
    { threads: 1 },
  );
  const start = () => optimizer.init(network.init(root.split("weights")));
  const order = inEpochs({
    count: train.labels.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const {
    state: { params },
  } = await fit({
    state: start(),
    step,
    steps: order.steps,
    batch: (i) => ({
      x: fromData(take(train.x, order.indices(i), inputs), [batchSize, inputs]),
      labels: fromData(take(train.labels, order.indices(i)), [batchSize]),
    }),
    signal,
    onStep: (i, value) => onStep?.(i, order.steps, value),
  });
  const predict = compile((p: typeof params, x: Tensor) => softmax(network.apply(p, x)), { threads: 1 });
  return async (x) => values(await predict(params, fromData(x, [x.length / inputs, inputs]))) as Float32Array;
}
