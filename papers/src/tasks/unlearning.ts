/**
 * Forgetting some digits: a network trained on all of them, one retrained without the forget set, and
 * unlearning of the first by a few passes over forget and retain examples.
 */
import {
  add,
  compile,
  fromData,
  grad,
  leaves,
  mapTree,
  multiply,
  negate,
  softmax,
  type Tensor,
  values,
  zipTrees,
} from "nearmiss";
import { mnist, take } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { lossReweighted, softmaxCrossEntropy } from "nearmiss/losses";
import { accuracy, argMax, membershipInference, type UnlearningOutcome } from "nearmiss/metrics";
import { type Dense, mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { quantile } from "nearmiss/stats";
import { remember } from "../remember.ts";
import type { Examples } from "./classification.ts";
import { trainNetwork } from "./network.ts";

export interface UnlearningSize {
  train: number;
  test: number;
  /** Share of the training examples whose label is replaced by another. */
  noise: number;
  /** Share of the training examples to forget. */
  forget: number;
  epochs: number;
  batchSize: number;
  /** Of training and retraining. */
  rate: number;
}

type Weights = Dense[];

export interface ForgetTask {
  original: Weights;
  retrained: Weights;
  retain: Examples;
  forget: Examples;
  test: Examples;
}

const network = mlp([784, 128, 64, 10]);

export const forgetTask = remember(async (size: UnlearningSize, seed: number): Promise<ForgetTask> => {
  const { train, test, noise, forget, epochs, batchSize, rate } = size;
  const parts = mnist({ train, test, seed });
  const draw = random(seed).split("forget task");
  const labels = parts.train.labels.slice();
  for (const i of draw.split("noise").sample(train, Math.round(noise * train)))
    labels[i] = (labels[i]! + draw.split("labels").split(i).integer(1, 10)) % 10;
  const order = draw.split("forget").permutation(train);
  const rows = (indices: Int32Array): Examples => ({
    x: take(parts.train.images, indices, 784),
    labels: take(labels, indices),
  });
  const count = Math.round(forget * train);
  const [forgotten, kept] = [rows(order.subarray(0, count)), rows(order.subarray(count))];
  const fitted = async (examples: Examples) => {
    const { params } = await trainNetwork({
      network,
      train: examples,
      loss: softmaxCrossEntropy,
      learningRate: rate,
      epochs,
      batchSize,
      seed,
    });
    return params;
  };
  return {
    original: await fitted(rows(order)),
    retrained: await fitted(kept),
    retain: kept,
    forget: forgotten,
    test: { x: parts.test.images, labels: parts.test.labels },
  };
});

const predict = compile((params: Weights, x: Tensor) => softmax(network.apply(params, x)), { threads: 1 });

/** What unlearning is measured by. */
export async function outcome(
  weights: Weights,
  { retain, forget, test }: ForgetTask,
): Promise<UnlearningOutcome> {
  const judge = async ({ x, labels }: Examples) => {
    const probabilities = values(await predict(weights, fromData(x, [labels.length, 784])));
    return {
      accuracy: accuracy(argMax(probabilities, 10), labels),
      confidences: Float64Array.from(labels, (label, i) => Math.min(1, probabilities[i * 10 + label]!)),
    };
  };
  const [a, b, c] = [await judge(retain), await judge(forget), await judge(test)];
  const { efficacy } = membershipInference({
    members: a.confidences,
    nonMembers: c.confidences,
    forgotten: b.confidences,
  });
  return { unlearning: 1 - b.accuracy, retain: a.accuracy, test: c.accuracy, membership: efficacy };
}

export const baseMethods = ["ascent", "relabel", "salun"] as const;
export type BaseMethod = (typeof baseMethods)[number];

/** How forget examples are weighted: by their loss now, by their loss before, all alike, by chance. */
export type Weighting = "dynamic" | "static" | "uniform" | "reversed" | "random";

export interface UnlearnOptions {
  task: ForgetTask;
  method: BaseMethod;
  weighting: Weighting;
  learningRate: number;
  temperature: number;
  /** Passes over the forget set. */
  passes: number;
  forgetBatch: number;
  retainBatch: number;
  seed: number;
  signal?: AbortSignal;
}

export async function unlearn(options: UnlearnOptions): Promise<Weights> {
  const { task, method, weighting, learningRate, temperature, passes, forgetBatch, retainBatch, seed } =
    options;
  const { original, retain, forget } = task;
  const draw = random(seed).split("unlearn");
  const count = forget.labels.length;
  // Another label for each example, for methods that teach wrong ones.
  const wrong = forget.labels.map((label, i) => (label + draw.split("wrong").split(i).integer(1, 10)) % 10);
  const standing = await standingLosses(weighting, task, seed);
  const chosen = method === "salun" ? await saliency(original, forget) : undefined;
  const forgetOrder = inEpochs({ count, size: forgetBatch, random: draw.split("forget"), epochs: passes });
  const retainOrder = inEpochs({
    count: retain.labels.length,
    size: retainBatch,
    random: draw.split("retain"),
  });
  interface Batch {
    retain: { x: Tensor; labels: Tensor };
    forget: { x: Tensor; labels: Tensor; wrong: Tensor; losses: Tensor };
  }
  const optimizer = adam({ learningRate });
  const step = trainingStep({
    loss(params: Weights, batch: Batch) {
      const logits = network.apply(params, batch.forget.x);
      const own = softmaxCrossEntropy(logits, batch.forget.labels, { reduction: "none" });
      const losses =
        method === "ascent"
          ? negate(own)
          : softmaxCrossEntropy(logits, batch.forget.wrong, { reduction: "none" });
      const known =
        weighting === "dynamic" ? own : weighting === "reversed" ? negate(own) : batch.forget.losses;
      const kept = softmaxCrossEntropy(network.apply(params, batch.retain.x), batch.retain.labels);
      return add(kept, lossReweighted(losses, known, { temperature }));
    },
    optimizer,
    change: (gradients) =>
      chosen ? zipTrees([gradients, chosen], (g, mask) => multiply(g, mask)) : gradients,
    compile: { threads: 1 },
  });
  const batchOf = ({ x, labels }: Examples, rows: Int32Array) => ({
    x: fromData(take(x, rows, 784), [rows.length, 784]),
    labels: fromData(take(labels, rows), [rows.length]),
  });
  const { state } = await fit({
    state: optimizer.init(original),
    step,
    steps: forgetOrder.steps,
    batch: (i): Batch => {
      const rows = forgetOrder.indices(i);
      return {
        retain: batchOf(retain, retainOrder.indices(i)),
        forget: {
          ...batchOf(forget, rows),
          wrong: fromData(take(wrong, rows), [rows.length]),
          losses: fromData(take(standing, rows), [rows.length]),
        },
      };
    },
    signal: options.signal,
  });
  return state.params;
}

/** Losses that do not follow the model: the original ones, none, or those of other examples, drawn by chance. */
async function standingLosses(
  weighting: Weighting,
  { original, forget }: ForgetTask,
  seed: number,
): Promise<Float32Array> {
  const { x, labels } = forget;
  if (weighting === "uniform") return new Float32Array(labels.length);
  const probabilities = values(await predict(original, fromData(x, [labels.length, 784])));
  const losses = Float32Array.from(
    labels,
    (label, i) => -Math.log(Math.max(1e-30, probabilities[i * 10 + label]!)),
  );
  return weighting === "random"
    ? take(losses, random(seed).split("chance").permutation(losses.length))
    : losses;
}

/** 1 for the half of all weights whose gradient of the forget loss is largest, else 0 (SalUn). */
async function saliency(original: Weights, { x, labels }: Examples): Promise<Weights> {
  const gradient = compile(
    (params: Weights, batch: { x: Tensor; labels: Tensor }) =>
      grad((p: Weights) => softmaxCrossEntropy(network.apply(p, batch.x), batch.labels))(params),
    { threads: 1 },
  );
  const gradients = await gradient(original, {
    x: fromData(x, [labels.length, 784]),
    labels: fromData(labels, [labels.length]),
  });
  const sizes = leaves(gradients).flatMap((g) => Array.from(values(g), Math.abs));
  const threshold = quantile(sizes, 0.5);
  return mapTree(gradients, (g) =>
    fromData(
      Float32Array.from(values(g), (value) => Number(Math.abs(value) > threshold)),
      g.shape,
    ),
  );
}
