/** A small network that learns from labels and from a large one's logits, with one head or two. */
import {
  add,
  compile,
  fromData,
  grad,
  matmul,
  multiply,
  relu,
  scalar,
  type Tensor,
  valueAndGrad,
  values,
  zipTrees,
} from "nearmiss";
import { take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { type Dense, dense, mlp } from "nearmiss/nn";
import { adam, projectConflicting } from "nearmiss/optim";
import { random } from "nearmiss/random";
import type { Examples, Task } from "./classification.ts";
import { trainNetwork } from "./network.ts";

export interface Student {
  backbone: Dense;
  head: Dense;
  /** The auxiliary head: one layer or two. */
  auxiliary: Dense[];
}

/** Units below the heads. */
export const WIDTH = 32;
const AUXILIARY_WIDTH = 200;

export interface Distillation {
  /** Of the labels' cross-entropy on the main head; 0 or 1. */
  labels: number;
  /** Compares the logits of a head with the teacher's. Default: no distillation. */
  loss?: (student: Tensor, teacher: Tensor) => Tensor;
  /** Where the teacher is heard: on the main head, or on an auxiliary one of one or two layers. */
  head: "main" | "linear" | "two layers";
  /** Whether what opposes the labels' gradient is projected out of the teacher's. */
  aligned?: boolean;
}

export interface StudentOptions {
  task: Task;
  /** The teacher's logits for the training examples, [n, classes]. */
  teacher: Float32Array;
  distillation: Distillation;
  /** α: weight of the teacher's loss. */
  alpha: number;
  learningRate: number;
  epochs: number;
  batchSize: number;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

interface Batch {
  x: Tensor;
  labels: Tensor;
  teacher: Tensor;
}

const linear = ({ weight, bias }: Dense, x: Tensor) => add(matmul(x, weight), bias!);
const features = ({ backbone }: Student, x: Tensor) => relu(linear(backbone, x));

export interface Lesson {
  /** The student's. */
  task: Task;
  /** The teacher's logits, [n, classes] row by row. */
  train: Float32Array;
  test: Float32Array;
}

/** Trains a teacher on all training examples of a task; the student is taught with the first of them. */
export async function teach(options: {
  task: Task;
  /** Number of the student's training examples. */
  examples: number;
  hidden: number[];
  learningRate: number;
  epochs: number;
  batchSize: number;
  seed: number;
}): Promise<Lesson> {
  const { task, hidden, examples } = options;
  const { outputs } = await trainNetwork({
    ...options,
    network: mlp([task.inputs, ...hidden, task.classes]),
    train: task.train,
    loss: softmaxCrossEntropy,
  });
  const train = {
    x: task.train.x.slice(0, examples * task.inputs),
    labels: task.train.labels.slice(0, examples),
  };
  return { task: { ...task, train }, train: await outputs(train.x), test: await outputs(task.test.x) };
}

export async function trainStudent(options: StudentOptions) {
  const { task, teacher, distillation, alpha, learningRate, epochs, batchSize, seed, signal, onStep } =
    options;
  const { inputs, classes, train } = task;
  const root = random(seed);
  const auxiliary = mlp(
    distillation.head === "two layers" ? [WIDTH, AUXILIARY_WIDTH, classes] : [WIDTH, classes],
  );
  const start = (): Student => ({
    backbone: dense(inputs, WIDTH).init(root.split("backbone")),
    head: dense(WIDTH, classes).init(root.split("head")),
    auxiliary: distillation.head === "main" ? [] : auxiliary.init(root.split("auxiliary")),
  });
  const fromLabels = (params: Student, { x, labels }: Batch) =>
    multiply(softmaxCrossEntropy(linear(params.head, features(params, x)), labels), distillation.labels);
  const fromTeacher = (params: Student, { x, teacher }: Batch) => {
    if (!distillation.loss) return scalar(0);
    const z = features(params, x);
    const logits =
      distillation.head === "main" ? linear(params.head, z) : auxiliary.apply(params.auxiliary, z);
    return multiply(distillation.loss(logits, teacher), alpha);
  };
  const optimizer = adam({ learningRate });
  const step = compile(
    (state: ReturnType<typeof optimizer.init<Student>>, batch: Batch) => {
      if (distillation.aligned) {
        const [loss, main] = valueAndGrad(fromLabels)(state.params, batch);
        const auxiliary = projectConflicting(main, grad(fromTeacher)(state.params, batch));
        return { state: optimizer.update(state, zipTrees([main, auxiliary], add)), loss };
      }
      const [[, loss], gradients] = valueAndGrad((params: Student) => {
        const labelled = fromLabels(params, batch);
        return [add(labelled, fromTeacher(params, batch)), labelled] as const;
      })(state.params);
      return { state: optimizer.update(state, gradients), loss };
    },
    { threads: 1 },
  );
  const order = inEpochs({
    count: train.labels.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const batchOf = (indices: ArrayLike<number>): Batch => ({
    x: fromData(take(train.x, indices, inputs), [indices.length, inputs]),
    labels: fromData(take(train.labels, indices), [indices.length]),
    teacher: fromData(take(teacher, indices, classes), [indices.length, classes]),
  });
  const {
    state: { params },
  } = await fit({
    state: optimizer.init(start()),
    step,
    steps: order.steps,
    batch: (i) => batchOf(order.indices(i)),
    signal,
    onStep: (i, loss) => onStep?.(i, order.steps, loss),
  });
  const forward = compile(
    (p: Student, x: Tensor) => {
      const z = features(p, x);
      return { features: z, logits: linear(p.head, z) };
    },
    { threads: 1 },
  );
  return {
    params,
    /** Of the main head, and the features below it. */
    async apply({ x, labels }: Examples) {
      const result = await forward(params, fromData(x, [labels.length, inputs]));
      return { features: values(result.features), logits: values(result.logits) };
    },
  };
}

/**
 * Cosines between the gradients of cross-entropy and of a teacher's loss, both on the main head: of the head's
 * weight, and of the layer below.
 */
export async function gradientCosines(
  params: Student,
  task: Task,
  teacher: Float32Array,
  loss: (student: Tensor, teacher: Tensor) => Tensor,
): Promise<{ head: number; backbone: number }> {
  const n = task.train.labels.length;
  const gradients = compile(
    (p: Student, x: Tensor, labels: Tensor, t: Tensor) => {
      const logits = (q: Student) => linear(q.head, features(q, x));
      return [
        grad((q: Student) => softmaxCrossEntropy(logits(q), labels))(p),
        grad((q: Student) => loss(logits(q), t))(p),
      ] as const;
    },
    { threads: 1 },
  );
  const [a, b] = await gradients(
    params,
    fromData(task.train.x, [n, task.inputs]),
    fromData(task.train.labels, [n]),
    fromData(teacher, [n, task.classes]),
  );
  return {
    head: cosine(values(a.head.weight), values(b.head.weight)),
    backbone: cosine(values(a.backbone.weight), values(b.backbone.weight)),
  };
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [product, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return product / Math.sqrt(aa * bb || 1);
}
