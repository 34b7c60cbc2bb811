/**
 * Tasks in which each example may have several labels, or none, and the one way in which all of them are
 * trained: Adam on a small network with one logit a label, equal initial weights and batches for equal seeds.
 */
import { compile, fromData, sigmoid, type Tensor, values } from "nearmiss";
import { take } from "nearmiss/data";
import { epochs, fit, trainingStep } from "nearmiss/fit";
import { type Dense, type Layer, mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";

export interface MultilabelExamples {
  /** [n, inputs] */
  x: Float32Array;
  /** 1 or 0, [n, labels] */
  targets: Float32Array;
}

/** Loss of a batch, a scalar, from logits [n, labels] and targets of the same shape. */
export type MultilabelLoss = (logits: Tensor, targets: Tensor) => Tensor;

export interface MultilabelTrainOptions {
  train: MultilabelExamples;
  loss: MultilabelLoss;
  /** Widths of all layers, from the inputs to the labels. */
  widths: number[];
  learningRate: number;
  steps: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Probabilities [n, labels] for rows [n, inputs]. */
export type MultilabelClassifier = (x: Float32Array) => Promise<Float32Array>;

export async function trainMultilabel(options: MultilabelTrainOptions): Promise<MultilabelClassifier> {
  const { train, loss, widths, learningRate, steps, batchSize, seed, signal, onStep } = options;
  const [inputs, labels] = [widths[0]!, widths.at(-1)!];
  const network: Layer<Dense[]> = mlp(widths);
  const optimizer = adam({ learningRate });
  const root = random(seed);
  const count = train.x.length / inputs;
  const order = epochs({ count, size: batchSize, random: root.split("batches") });
  const {
    state: { params },
  } = await fit({
    state: optimizer.init(network.init(root.split("weights"))),
    step: trainingStep({
      loss: (params: Dense[], { x, targets }: { x: Tensor; targets: Tensor }) =>
        loss(network.apply(params, x), targets),
      optimizer,
      compile: { threads: 1 },
    }),
    steps,
    batch: (i) => ({
      x: fromData(take(train.x, order.indices(i), inputs), [batchSize, inputs]),
      targets: fromData(take(train.targets, order.indices(i), labels), [batchSize, labels]),
    }),
    signal,
    onStep: (i, value) => onStep?.(i, steps, value),
  });
  const predict = compile((p: Dense[], x: Tensor) => sigmoid(network.apply(p, x)), { threads: 1 });
  return async (x) => values(await predict(params, fromData(x, [x.length / inputs, inputs]))) as Float32Array;
}
