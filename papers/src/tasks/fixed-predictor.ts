/**
 * Outputs of predictors that were trained on little and are fixed, with what a rejector may see of
 * each: the predictor's last hidden layer and its logits.
 */
import { compile, concat, fromData, relu, reshape, slice, type Tensor, values } from "nearmiss";
import { take } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { argMax } from "nearmiss/metrics";
import { type Dense, dense, type Layer, zeroFill } from "nearmiss/nn";
import { adam, clipByGlobalNorm } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { mean, standardDeviation } from "nearmiss/stats";
import { remember } from "../remember.ts";
import { definitions, digits, type Examples } from "./classification.ts";
import { trainNetwork } from "./network.ts";

export interface Outputs {
  /** Hidden activations and logits, each column with mean 0 and deviation 1 over the judged outputs, [n, width]. */
  features: Float32Array;
  /** [n, classes] */
  logits: Float32Array;
  /** The true classes, [n]. */
  labels: Int32Array;
  /** 1 where the predictor is right, else 0, [n]. */
  correct: Int32Array;
}

export interface FixedPredictor {
  /** Columns of `features`. */
  width: number;
  classes: number;
  /** Judged outputs to train a rejector on. */
  judged: Outputs;
  validation: Outputs;
  test: Outputs;
}

export interface FixedPredictorSize {
  /** Examples that the predictor is trained on, by task. */
  fitted: Record<string, number>;
  /** Its epochs. */
  fitting: number;
  judged: number;
  validation: number;
  test: number;
  seed: number;
}

const tasks = { digits, definitions };
const HIDDEN = 32;

export const fixedPredictor = remember(
  async (name: keyof typeof tasks, size: FixedPredictorSize): Promise<FixedPredictor> => {
    const { fitted, fitting, judged, validation, test, seed } = size;
    const train = fitted[name]! + judged;
    const { inputs, classes, ...parts } = tasks[name]({ train, validation, test, seed });
    const rows = (from: number, to: number): Examples => ({
      x: parts.train.x.subarray(from * inputs, to * inputs),
      labels: parts.train.labels.subarray(from, to),
    });
    const [encoder, head] = [dense(inputs, HIDDEN), dense(HIDDEN, classes)];
    const width = HIDDEN + classes;
    const network: Layer<{ encoder: Dense; head: Dense }> = {
      init: (random) => ({
        encoder: encoder.init(random.split("encoder")),
        head: head.init(random.split("head")),
      }),
      apply(params, x) {
        const hidden = relu(encoder.apply(params.encoder, x));
        return concat([hidden, head.apply(params.head, hidden)], 1);
      },
    };
    const { outputs } = await trainNetwork({
      network,
      train: rows(0, fitted[name]!),
      loss: (both, labels) => softmaxCrossEntropy(slice(both, [null, [HIDDEN, width]]), labels),
      learningRate: 3e-3,
      epochs: fitting,
      batchSize: 25,
      seed,
    });
    const outputsOf = async ({ x, labels }: Examples): Promise<Outputs> => {
      const features = await outputs(x);
      const logits = new Float32Array(labels.length * classes);
      for (let i = 0; i < labels.length; i++)
        logits.set(features.subarray(i * width + HIDDEN, (i + 1) * width), i * classes);
      const predictions = argMax(logits, classes);
      return {
        features,
        logits,
        labels,
        correct: labels.map((label, i) => Number(predictions[i] === label)),
      };
    };
    const judgedOutputs = await outputsOf(rows(fitted[name]!, train));
    const scale = standardizer(judgedOutputs.features, width);
    const scaled = (all: Outputs): Outputs => ({ ...all, features: scale(all.features) });
    return {
      width,
      classes,
      judged: scaled(judgedOutputs),
      validation: scaled(await outputsOf(parts.validation)),
      test: scaled(await outputsOf(parts.test)),
    };
  },
);

export interface RejectorOptions {
  predictor: FixedPredictor;
  /** From scores [batch] and whether outputs are right, int32 [batch]. */
  loss: (scores: Tensor, correct: Tensor) => Tensor;
  learningRate: number;
  epochs: number;
  batchSize: number;
  seed: number;
  signal?: AbortSignal;
}

/**
 * A network with one hidden layer that scores outputs, by Adam on the judged ones. Scores start at 0,
 * and gradients are clipped at norm 1: losses made of exponentials have a few that drown all others.
 */
export async function trainRejector(
  options: RejectorOptions,
): Promise<(outputs: Outputs) => Promise<Float32Array>> {
  const { predictor, loss, learningRate, epochs, batchSize, seed, signal } = options;
  const { judged, width } = predictor;
  const [hidden, output] = [dense(width, 32), dense(32, 1, { weight: zeroFill })];
  const root = random(seed).split("rejector");
  const params = { hidden: hidden.init(root.split("weights")), output: output.init(root.split("weights")) };
  const score = (p: typeof params, x: Tensor) =>
    reshape(output.apply(p.output, relu(hidden.apply(p.hidden, x))), [-1]);
  const optimizer = adam({ learningRate });
  const order = inEpochs({
    count: judged.correct.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const { state } = await fit({
    state: optimizer.init(params),
    step: trainingStep({
      loss: (p: typeof params, batch: { x: Tensor; correct: Tensor }) =>
        loss(score(p, batch.x), batch.correct),
      optimizer,
      change: (gradients) => clipByGlobalNorm(gradients, 1),
      compile: { threads: 1 },
    }),
    steps: order.steps,
    batch: (i) => ({
      x: fromData(take(judged.features, order.indices(i), width), [batchSize, width]),
      correct: fromData(take(judged.correct, order.indices(i)), [batchSize]),
    }),
    signal,
  });
  const scoreAll = compile(score, { threads: 1 });
  return async ({ features }) =>
    values(
      await scoreAll(state.params, fromData(features, [features.length / width, width])),
    ) as Float32Array;
}

/** Columns to mean 0 and deviation 1, as they are in the given rows. */
export function standardizer(rows: Float32Array, width: number): (rows: Float32Array) => Float32Array {
  const columns = Array.from({ length: width }, (_, column) => {
    const values = Float64Array.from({ length: rows.length / width }, (_, i) => rows[i * width + column]!);
    // A unit that never fires has no deviation.
    return { center: mean(values), deviation: standardDeviation(values) || 1 };
  });
  return (x) => x.map((value, at) => (value - columns[at % width]!.center) / columns[at % width]!.deviation);
}
