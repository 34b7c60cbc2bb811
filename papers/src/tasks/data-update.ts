/**
 * A classifier whose training data grow: an old model is trained on a fifth of the examples, new models
 * are fine-tuned from it on all of them. Equal seeds give equal models, whichever arm asks for them.
 */
import { add, compile, concat, fromData, multiply, slice, stopGradient, type Tensor, values } from "nearmiss";
import { hintonKD, softmaxCrossEntropy } from "nearmiss/losses";
import { fisherDiagonal, normalizeImportance } from "nearmiss/merge";
import { argMax } from "nearmiss/metrics";
import { type Dense, type Layer, mlp } from "nearmiss/nn";
import { remember } from "../remember.ts";
import { definitions, type Examples, emails, type Task } from "./classification.ts";
import { trainNetwork } from "./network.ts";

export type Weights = Dense[];

export interface UpdateSettings {
  train: number;
  validation: number;
  test: number;
  oldEpochs: number;
  newEpochs: number;
  batchSize: number;
  /** Of the old models; new ones have their own. */
  oldRate: number;
  /** Examples for the importances of weights, a multiple of 20. */
  importance: number;
}

export interface Update {
  classes: number;
  validation: Examples;
  test: Examples;
  old: Weights;
  /** Importance of the old model's weights: the diagonal Fisher information, scaled to mean 1. */
  importance: () => Promise<Weights>;
  /** The run-th model fine-tuned from the old one, with a weight on staying close to its outputs. */
  updated: (run: number, learningRate: number, distillation?: number) => Promise<Weights>;
  /** Logits [n, classes] of any weights. */
  logits: (weights: Weights, part: Examples) => Promise<Float32Array>;
  predict: (weights: Weights, part: Examples) => Promise<Int32Array>;
}

const tasks: Record<
  string,
  (size: { train: number; validation: number; test: number; seed: number }) => Task
> = {
  emails,
  definitions,
};
export const updateTasks = Object.keys(tasks);

export const dataUpdate = remember(
  async (name: string, settings: UpdateSettings, seed: number): Promise<Update> => {
    const { train: count, validation, test, oldEpochs, newEpochs, batchSize, oldRate } = settings;
    const task = tasks[name]!({ train: count, validation, test, seed });
    const { inputs, classes, hidden, train } = task;
    const network = mlp([inputs, ...hidden, classes]);
    const before = Math.round(count / 5);
    const early: Examples = {
      x: train.x.subarray(0, before * inputs),
      labels: train.labels.subarray(0, before),
    };
    const { params: old } = await trainNetwork({
      network,
      train: early,
      loss: softmaxCrossEntropy,
      learningRate: oldRate,
      epochs: oldEpochs,
      batchSize,
      seed,
    });

    const updated = remember(
      async (run: number, learningRate: number, distillation: number = 0): Promise<Weights> => {
        // The old model's logits stand beside the new one's, for the loss to compare them.
        const pair: Layer<Weights> = {
          init: () => old,
          apply: (params, x) => concat([network.apply(params, x), stopGradient(network.apply(old, x))], 1),
        };
        const half = (both: Tensor, k: number) => slice(both, [null, [k * classes, (k + 1) * classes]]);
        const { params } = await trainNetwork<Weights, object>({
          network: distillation > 0 ? pair : { ...network, init: () => old },
          train,
          loss(outputs, labels) {
            if (distillation === 0) return softmaxCrossEntropy(outputs, labels);
            const [student, teacher] = [half(outputs, 0), half(outputs, 1)];
            const close = hintonKD(student, teacher, { temperature: 1 });
            return add(softmaxCrossEntropy(student, labels), multiply(close, distillation));
          },
          learningRate,
          epochs: newEpochs,
          batchSize,
          seed: seed * 100 + run,
        });
        return params;
      },
    );

    const forward = compile((params: Weights, x: Tensor) => network.apply(params, x), { threads: 1 });
    const logits = async (weights: Weights, { x, labels }: Examples) =>
      values(await forward(weights, fromData(x, [labels.length, inputs]))) as Float32Array;
    const importance = remember(async () => {
      const loss = (params: Weights, batch: { x: Tensor; labels: Tensor }) =>
        softmaxCrossEntropy(network.apply(params, batch.x), batch.labels);
      // The gradients are those of the labels that the old model predicts, on old and new examples alike.
      const predicted = argMax(await logits(old, train), classes);
      const size = 20;
      const count = Math.min(settings.importance, predicted.length - (predicted.length % size));
      const batches = Array.from({ length: count / size }, (_, i) => ({
        x: fromData(train.x.slice(i * size * inputs, (i + 1) * size * inputs), [size, inputs]),
        labels: fromData(predicted.slice(i * size, (i + 1) * size), [size]),
      }));
      return normalizeImportance(await fisherDiagonal(loss, old, batches));
    });

    return {
      classes,
      validation: task.validation,
      test: task.test,
      old,
      importance,
      updated,
      logits,
      predict: async (weights, part) => argMax(await logits(weights, part), classes),
    };
  },
);
