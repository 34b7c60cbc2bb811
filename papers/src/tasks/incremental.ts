/**
 * Handwritten digits that arrive a few classes at a time, without samples of the classes before, and the
 * features that an extractor gives them: trained on each task's own classes and kept close to what it was.
 */
import {
  add,
  compile,
  fromData,
  matmul,
  mean,
  multiply,
  square,
  subtract,
  sum,
  type Tensor,
  values,
} from "nearmiss";
import { mnist, take, taskStream } from "nearmiss/data";
import { epochs, fit, trainingStep } from "nearmiss/fit";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { type Dense, dense, mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";

export interface Features {
  /** [n, FEATURES] */
  x: Float32Array;
  /** Classes, numbered in the order in which they arrive. */
  labels: Int32Array;
}

/** What there is after a task has been learned; features are those of the extractor as it is then. */
export interface Stage {
  /** Number of classes that have arrived. */
  seen: number;
  /** Training data of this task's classes. */
  current: Features;
  /** Training data of all earlier classes: for measuring alone, a method has no access to it. */
  past: Features;
  /** Validation and test data of all classes that have arrived. */
  validation: Features;
  test: Features;
}

export interface StageOptions {
  train: number;
  validation: number;
  test: number;
  /** Classes of each task. */
  sizes: number[];
  /** Training steps of the extractor on each task. */
  extractorSteps: number;
  /** Weight of the squared distance to the features before the task. */
  distillation: number;
  seed: number;
}

export const FEATURES = 32;
export const CLASSES = 10;
const PIXELS = 196;
const BATCH = 64;
const LEARNING_RATE = 1e-3;

/** One stage a task. Equal options give equal features to whatever classifier is put on top. */
export const incrementalStages = remember(async (options: StageOptions): Promise<Stage[]> => {
  const { train, validation, test, sizes, extractorSteps, distillation, seed } = options;
  const root = random(seed).split("incremental");
  const classOf = root.split("classes").permutation(CLASSES);
  const parts = mnist({ train, validation, test, seed, size: 14 });
  const examples = ({ images, labels }: (typeof parts)["train"]) => ({
    x: images,
    labels: labels.map((digit) => classOf[digit]!),
  });
  const [pool, held, tested] = [parts.train, parts.validation, parts.test].map(examples) as [
    Features,
    Features,
    Features,
  ];
  const rows = ({ x, labels }: Features, indices: ArrayLike<number>): Features => ({
    x: take(x, indices, PIXELS),
    labels: take(labels, indices),
  });
  const below = (data: Features, limit: number) =>
    rows(
      data,
      Array.from(data.labels.keys()).filter((i) => data.labels[i]! < limit),
    );

  const extractor = mlp([PIXELS, 128, FEATURES]);
  const optimizer = adam({ learningRate: LEARNING_RATE });
  type Params = { extractor: Dense[]; head: Dense };
  const step = trainingStep({
    optimizer,
    loss: (params: Params, batch: { x: Tensor; labels: Tensor; before: Tensor; weight: Tensor }) => {
      const features = extractor.apply(params.extractor, batch.x);
      const logits = add(matmul(features, params.head.weight), params.head.bias!);
      const moved = mean(sum(square(subtract(features, batch.before)), { axis: 1 }));
      return add(softmaxCrossEntropy(logits, batch.labels), multiply(moved, batch.weight));
    },
    compile: { threads: 1 },
  });
  const apply = compile((params: Dense[], x: Tensor) => extractor.apply(params, x), { threads: 1 });

  const stream = taskStream(pool.labels, { order: [...Array(CLASSES).keys()], sizes });
  const stages: Stage[] = [];
  let layers = extractor.init(root.split("extractor"));
  for (let number = 0; number < stream.length; number++) {
    const { classes, indices } = stream.open(number);
    const own = rows(pool, indices);
    const embed = async ({ x, labels }: Features): Promise<Features> => ({
      x: values(await apply(layers, fromData(x, [labels.length, PIXELS]))) as Float32Array,
      labels,
    });
    const before = (await embed(own)).x;
    const head = dense(FEATURES, classes.length).init(root.split("head").split(number));
    const order = epochs({
      count: own.labels.length,
      size: BATCH,
      random: root.split("batches").split(number),
      epochs: Number.MAX_SAFE_INTEGER,
    });
    const { state } = await fit({
      state: optimizer.init<Params>({ extractor: layers, head }),
      step,
      steps: extractorSteps,
      batch: (i) => ({
        x: fromData(take(own.x, order.indices(i), PIXELS), [BATCH, PIXELS]),
        labels: fromData(
          take(own.labels, order.indices(i)).map((y) => y - classes[0]!),
          [BATCH],
        ),
        before: fromData(take(before, order.indices(i), FEATURES), [BATCH, FEATURES]),
        weight: fromData(Float32Array.of(number === 0 ? 0 : distillation), []),
      }),
    });
    layers = state.params.extractor;
    const seen = classes.at(-1)! + 1;
    stages.push({
      seen,
      current: await embed(own),
      past:
        number === 0
          ? { x: new Float32Array(), labels: new Int32Array() }
          : await embed(below(pool, classes[0]!)),
      validation: await embed(below(held, seen)),
      test: await embed(below(tested, seen)),
    });
  }
  return stages;
});
