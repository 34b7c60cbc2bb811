/** Digits as the features of a small convolutional network that is trained no further. */
import { compile, fromData, relu, type Tensor, valueAndGrad, values } from "nearmiss";
import { mnist, take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { convNet, dense } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";

export interface FrozenSize {
  /** Digits 0 to 9 to train the network on, of which it sees those up to 4. */
  pretraining: number;
  /** Digits for training classifiers on the features. */
  train: number;
  test: number;
  /** Passes of the network over its digits; 0 leaves it as it started. */
  epochs: number;
  seed: number;
}

export interface FrozenFeatures {
  inputs: number;
  train: { x: Float32Array; labels: Int32Array };
  test: { x: Float32Array; labels: Int32Array };
  /** How well the network itself tells the test digits up to 4 from each other. */
  ownAccuracy: number;
}

const WIDTH = 64;
const KNOWN = 5;

/** Features of all ten digits from a network that has been taught the first five, [n, 64], none negative. */
export const frozenDigits = remember(async (size: FrozenSize): Promise<FrozenFeatures> => {
  const { pretraining, train, test, epochs, seed } = size;
  const parts = mnist({ train: pretraining, validation: train, test, seed });
  const root = random(seed).split("frozen features");
  const trunk = convNet({ side: 28, filters: [8, 16], head: [WIDTH] });
  const head = dense(WIDTH, KNOWN);
  let params = { trunk: trunk.init(root.split("trunk")), head: head.init(root.split("head")) };
  const features = (p: typeof params.trunk, x: Tensor) => relu(trunk.apply(p, x));

  const known = Int32Array.from(parts.train.labels.keys()).filter((i) => parts.train.labels[i]! < KNOWN);
  if (epochs > 0) {
    const optimizer = adam({ learningRate: 2e-3 });
    const batchSize = 50;
    const order = inEpochs({ count: known.length, size: batchSize, random: root.split("batches"), epochs });
    const step = compile(
      (state: ReturnType<typeof start>, batch: { x: Tensor; labels: Tensor }) => {
        const [loss, gradients] = valueAndGrad((p: typeof params) =>
          softmaxCrossEntropy(head.apply(p.head, features(p.trunk, batch.x)), batch.labels),
        )(state.params);
        return { state: optimizer.update(state, gradients), loss };
      },
      { threads: 1 },
    );
    const start = () => optimizer.init(params);
    const { state } = await fit({
      state: start(),
      step,
      steps: order.steps,
      batch: (i) => {
        const rows = take(known, order.indices(i));
        return {
          x: fromData(take(parts.train.images, rows, 784), [batchSize, 784]),
          labels: fromData(take(parts.train.labels, rows), [batchSize]),
        };
      },
    });
    params = state.params;
  }

  const encode = compile(
    (p: typeof params, x: Tensor) => {
      const hidden = features(p.trunk, x);
      return { hidden, logits: head.apply(p.head, hidden) };
    },
    { threads: 1 },
  );
  const encoded = async (images: Float32Array) => {
    const out = await encode(params, fromData(images, [images.length / 784, 784]));
    return { x: values(out.hidden) as Float32Array, logits: values(out.logits) };
  };
  const [a, b] = [await encoded(parts.validation.images), await encoded(parts.test.images)];
  let [right, all] = [0, 0];
  parts.test.labels.forEach((label, i) => {
    if (label >= KNOWN) return;
    const row = b.logits.subarray(i * KNOWN, (i + 1) * KNOWN);
    all++;
    if (row[label]! === Math.max(...row)) right++;
  });
  return {
    inputs: WIDTH,
    train: { x: a.x, labels: parts.validation.labels },
    test: { x: b.x, labels: parts.test.labels },
    ownAccuracy: right / all,
  };
});
