/**
 * Yes-or-no tasks in which positives are as rare as one likes, and the one way in which all of them are
 * trained: a small network with one logit, see `trainMultilabel`.
 */
import { reshape, type Tensor } from "nearmiss";
import { mnist, spamAssassin, take } from "nearmiss/data";
import { random } from "nearmiss/random";
import { denseBag, hashedBag } from "nearmiss/text";
import { remember } from "../remember.ts";
import { trainMultilabel } from "./multilabel.ts";

export interface BinaryExamples {
  /** [n, inputs] */
  x: Float32Array;
  /** 1 or 0, [n] */
  labels: Float32Array;
}

export interface BinaryTask {
  inputs: number;
  train: BinaryExamples;
  /** For choosing hyper-parameters and thresholds. */
  validation: BinaryExamples;
  test: BinaryExamples;
}

export interface BinaryTaskSize {
  train: number;
  validation: number;
  test: number;
  /** Share of positives in all three parts. */
  prevalence: number;
  seed: number;
}

/** One digit against the other nine: handwritten digits of side² pixels. The seed says which digit. */
export const oneDigit = remember(({ side, ...size }: BinaryTaskSize & { side: 14 | 7 }): BinaryTask => {
  const { images, labels } = allDigits();
  const digit = size.seed % 10;
  const positive = Array.from(labels, (label) => label === digit);
  return parts(side === 14 ? images : halve(images, 14), side * side, positive, size);
});

/** Spam among e-mails, from the words of subject and body. */
export const rareSpam = remember((size: BinaryTaskSize): BinaryTask => {
  const { bags, spam } = allMails();
  return parts(bags, BUCKETS, spam, size);
});

const BUCKETS = 1024;

const allDigits = remember(() => mnist({ train: 10_000, test: 0, size: 14 }).train);

const allMails = remember(() => {
  const mails = spamAssassin();
  const bags = new Float32Array(mails.length * BUCKETS);
  mails.forEach(({ subject, body }, i) => {
    const counts = denseBag(hashedBag(`${subject}\n${body.slice(0, 2000)}`, BUCKETS), BUCKETS);
    bags.set(
      counts.map((count) => Math.log1p(count)),
      i * BUCKETS,
    );
  });
  return { bags, spam: mails.map((mail) => mail.spam) };
});

/** Averages squares of four pixels. */
function halve(images: Float32Array, side: number): Float32Array {
  const half = side / 2;
  return Float32Array.from({ length: images.length / 4 }, (_, i) => {
    const image = Math.floor(i / half ** 2);
    const row = Math.floor((i % half ** 2) / half);
    const at = image * side ** 2 + 2 * row * side + 2 * (i % half);
    return (images[at]! + images[at + 1]! + images[at + side]! + images[at + side + 1]!) / 4;
  });
}

function parts(x: Float32Array, inputs: number, positive: boolean[], size: BinaryTaskSize): BinaryTask {
  const draw = random(size.seed).split("imbalanced");
  const shuffled = (wanted: boolean) => draw.shuffle(positive.flatMap((is, i) => (is === wanted ? [i] : [])));
  const [positives, negatives] = [shuffled(true), shuffled(false)];
  const part = (count: number): BinaryExamples => {
    const rare = Math.round(count * size.prevalence);
    if (rare > positives.length || count - rare > negatives.length)
      throw new RangeError(`imbalanced: too few examples are left for ${count} with ${rare} positives`);
    const chosen = draw.shuffle([...positives.splice(0, rare), ...negatives.splice(0, count - rare)]);
    return { x: take(x, chosen, inputs), labels: Float32Array.from(chosen, (i) => Number(positive[i])) };
  };
  return { inputs, train: part(size.train), validation: part(size.validation), test: part(size.test) };
}

/** Loss of a batch, a scalar, from logits [n] and targets [n] of 1 and 0. */
export type BinaryLoss = (logits: Tensor, targets: Tensor) => Tensor;

export interface BinaryTrainOptions {
  task: BinaryTask;
  loss: BinaryLoss;
  /** Widths of the hidden layers; none for a linear model. */
  hidden: number[];
  learningRate: number;
  steps: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Probabilities of the positive class [n] for rows [n, inputs]. */
export type BinaryClassifier = (x: Float32Array) => Promise<Float32Array>;

export async function trainBinary(options: BinaryTrainOptions): Promise<BinaryClassifier> {
  const { task, loss, hidden, ...rest } = options;
  return trainMultilabel({
    ...rest,
    train: { x: task.train.x, targets: task.train.labels },
    widths: [task.inputs, ...hidden, 1],
    loss: (logits, targets) => loss(reshape(logits, [-1]), reshape(targets, [-1])),
  });
}

/** 1 where a probability reaches the threshold, else 0. */
export const decide = (probabilities: Float32Array, threshold = 0.5): Float32Array =>
  probabilities.map((p) => (p >= threshold ? 1 : 0));
