/** Trains any network on labelled rows and gives back its outputs, for studies that need logits. */
import { compile, fromData, item, type Tensor, valueAndGrad, values } from "nearmiss";
import { take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import type { Layer } from "nearmiss/nn";
import { adamW } from "nearmiss/optim";
import { random } from "nearmiss/random";
import type { Examples } from "./classification.ts";

export interface NetworkOptions<P, Inputs> {
  network: Layer<P>;
  train: Examples;
  /** From what the network puts out for a batch, and its labels int32 [batch]. */
  loss: (outputs: Tensor, labels: Tensor, inputs: Inputs, params: P) => Tensor;
  /** What the loss is told of an epoch, counted from 0: numbers that change while training goes on. */
  inputs?: (epoch: number) => Inputs;
  /** A number to follow while training goes on. Default: the loss. */
  watch?: (outputs: Tensor, labels: Tensor) => Tensor;
  /** Of AdamW. */
  learningRate: number;
  /** Default: 0. */
  weightDecay?: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, watched: number) => void;
}

/** Outputs, row by row, for rows [n, inputs]. */
export type Outputs = (x: Float32Array) => Promise<Float32Array>;

export async function trainNetwork<P, Inputs>(
  options: NetworkOptions<P, Inputs>,
): Promise<{ params: P; outputs: Outputs }> {
  const { network, train, loss, watch, learningRate, weightDecay = 0, epochs, batchSize, seed } = options;
  const { inputs = () => ({}) as Inputs, signal, onStep } = options;
  const width = train.x.length / train.labels.length;
  const optimizer = adamW({ learningRate, weightDecay });
  const root = random(seed);
  const start = () => optimizer.init(network.init(root.split("weights")));
  const compiled = compile(
    (state: ReturnType<typeof start>, batch: { x: Tensor; labels: Tensor; inputs: Inputs }) => {
      const [[value, watched], gradients] = valueAndGrad((params: P) => {
        const outputs = network.apply(params, batch.x);
        const result = loss(outputs, batch.labels, batch.inputs, params);
        return [result, watch?.(outputs, batch.labels) ?? result] as const;
      })(state.params);
      return { state: optimizer.update(state, gradients), loss: value, watched };
    },
    { threads: 1 },
  );
  let watched = 0;
  const order = inEpochs({
    count: train.labels.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const { state } = await fit({
    state: start(),
    step: async (state, batch: Parameters<typeof compiled>[1]) => {
      const { watched: value, ...result } = await compiled(state, batch);
      watched = item(value);
      return result;
    },
    steps: order.steps,
    batch: (i) => ({
      x: fromData(take(train.x, order.indices(i), width), [batchSize, width]),
      labels: fromData(take(train.labels, order.indices(i)), [batchSize]),
      inputs: inputs(Math.floor(i / order.perEpoch)),
    }),
    signal,
    onStep: (i) => onStep?.(i, order.steps, watched),
  });
  const { params } = state;
  const forward = compile((p: P, x: Tensor) => network.apply(p, x), { threads: 1 });
  return {
    params,
    outputs: async (x) =>
      values(await forward(params, fromData(x, [x.length / width, width]))) as Float32Array,
  };
}
