/**
 * Classifiers of handwritten digits (14 by 14 pixels) that learn layer by layer, each by a loss of its own, beside the
 * same kind of network trained end to end. Every learner is a tree of parameters, a loss and scores of the ten digits;
 * all are trained in one way: AdamW, equal batches for equal seeds.
 */
import {
  add,
  compile,
  concat,
  divide,
  evaluate,
  expandDims,
  fromData,
  identityMatrix,
  matmul,
  mean,
  multiply,
  oneHot,
  relu,
  reshape,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  squeeze,
  stack,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  tanh,
  transpose,
  values,
} from "nearmiss";
import { mnist, take } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { noisedEmbeddings, noPropChain, noPropLoss, risingCosineSchedule } from "nearmiss/inference";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { type Dense, dense, glorotUniform, mlp } from "nearmiss/nn";
import { adamW } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

const PIXELS = 196;
const CLASSES = 10;

export const digits = remember((sizes: { train: number; validation: number; test: number; seed: number }) =>
  mnist({ ...sizes, size: 14 }),
);

export interface Batch {
  /** [n, 196] */
  x: Tensor;
  /** int32 [n] */
  labels: Tensor;
  /** Another digit than the label, int32 [n]. */
  wrong: Tensor;
  /** Standard normal, in the shape that the learner asks for. */
  noise: Tensor;
}

export interface Learner<P> {
  init(random: Random): P;
  /** Shape of the noise that a batch of n needs. */
  noise(n: number): number[];
  loss(params: P, batch: Batch): Tensor;
  /** Scores of the ten digits, [n, 10]: those that the learner answers with last. */
  scores(params: P, x: Tensor, noise: Tensor): Tensor[];
}

/** Weights of all blocks of a chain, one behind the other: block t is row t. */
export interface Chain {
  /** [196, blocks · width] and [blocks · width]: every block sees the image with weights of its own. */
  image: Dense;
  /** [blocks, 10, width], [blocks, 1, width] */
  state: Tensor;
  stateBias: Tensor;
  /** [blocks, 2 width, width], [blocks, 1, width] */
  joint: Tensor;
  jointBias: Tensor;
  /** [blocks, width, 10], [blocks, 1, 10] */
  out: Tensor;
  outBias: Tensor;
  /** From the chain's last state to the ten digits. */
  head: Dense;
}

/** The blocks that NoProp and back-propagation both train: û is a softmax over the ten one-hot embeddings. */
function chain(blocks: number, width: number) {
  const image = dense(PIXELS, blocks * width);
  const head = dense(CLASSES, CLASSES);
  const zeros = (size: number) => fromData(new Float32Array(blocks * size), [blocks, 1, size]);
  const each = (stream: Random, rows: number, columns: number) =>
    Array.from({ length: blocks }, (_, t) => glorotUniform(stream.split(t), [rows, columns]));
  const matrices = (stream: Random, rows: number, columns: number) => stack(each(stream, rows, columns));
  return {
    init: (stream: Random): Chain => ({
      image: {
        weight: concat(each(stream.split("image"), PIXELS, width), 1),
        bias: fromData(new Float32Array(blocks * width), [blocks * width]),
      },
      state: matrices(stream.split("state"), CLASSES, width),
      stateBias: zeros(width),
      joint: matrices(stream.split("joint"), 2 * width, width),
      jointBias: zeros(width),
      out: matrices(stream.split("out"), width, CLASSES),
      outBias: zeros(CLASSES),
      // One-hot embeddings are read by the identity; tenfold, so that a clean state is a sure answer.
      head: {
        weight: multiply(identityMatrix(CLASSES), 10),
        bias: fromData(new Float32Array(CLASSES), [CLASSES]),
      },
    }),
    head: (params: Chain, state: Tensor) => head.apply(params.head, state),
    /** What all blocks see of the image, [blocks, n, width]. */
    features: (params: Chain, x: Tensor) =>
      transpose(reshape(relu(image.apply(params.image, x)), [x.shape[0]!, blocks, width]), [1, 0, 2]),
    /** Logits [k, n, 10] of blocks `from` to `from + k` for their states [k, n, 10]. */
    logits: (params: Chain, features: Tensor, states: Tensor, from: number) => {
      const part = (x: Tensor) => slice(x, [[from, from + states.shape[0]!]]);
      const seen = relu(add(matmul(states, part(params.state)), part(params.stateBias)));
      const joined = concat([part(features), seen], 2);
      const hidden = relu(add(matmul(joined, part(params.joint)), part(params.jointBias)));
      return add(matmul(hidden, part(params.out)), part(params.outBias));
    },
  };
}

/** The chain's blocks, and how it runs from noise. */
function chainOf(blocks: number, width: number) {
  const net = chain(blocks, width);
  const levels = risingCosineSchedule(blocks);
  const run = (params: Chain, x: Tensor, noise: Tensor) => {
    const features = net.features(params, x);
    return noPropChain(
      (t, z) => squeeze(softmax(net.logits(params, features, expandDims(z, 0), t - 1)), 0),
      noise,
      levels,
    );
  };
  return {
    ...net,
    levels,
    run,
    noise: (n: number) => [blocks + 1, n, CLASSES],
    // After each block the digit that it holds for likeliest, at the end what the head says.
    scores: (params: Chain, x: Tensor, noise: Tensor) => {
      const { state, predictions } = run(params, x, noise);
      return [...predictions, net.head(params, state)];
    },
  };
}

/** Every block learns alone to find the label's one-hot embedding in a noised copy of it and the image. */
export function noProp(blocks: number, width: number): Learner<Chain> {
  const net = chainOf(blocks, width);
  return {
    ...net,
    loss(params, { x, labels, noise }) {
      const targets = oneHot(labels, CLASSES);
      const states = noisedEmbeddings(targets, noise, net.levels);
      const before = slice(states, [[0, blocks]]);
      const predictions = softmax(net.logits(params, net.features(params, x), before, 0));
      const answer = net.head(params, slice(states, [blocks]));
      return add(noPropLoss(predictions, targets, net.levels), softmaxCrossEntropy(answer, labels));
    },
  };
}

/** The same chain, trained end to end through all blocks by the cross-entropy of its head. */
export function chainByBackPropagation(blocks: number, width: number): Learner<Chain> {
  const net = chainOf(blocks, width);
  return {
    ...net,
    loss: (params, { x, labels, noise }) =>
      softmaxCrossEntropy(net.head(params, net.run(params, x, noise).state), labels),
  };
}

/** One block without a state before it: a plain classifier with two hidden layers. */
export function oneBlock(width: number): Learner<Dense[]> {
  const network = mlp([PIXELS, width, width, CLASSES]);
  return {
    init: (stream) => network.init(stream),
    noise: () => [1],
    loss: (params, { x, labels }) => softmaxCrossEntropy(network.apply(params, x), labels),
    scores: (params, x) => [network.apply(params, x)],
  };
}

/**
 * Forward-Forward (Hinton 2022): each layer tells an image with its own label from one with a wrong label by the mean
 * square of its activations, against a threshold of 2; the next layer sees only their direction. The answer is the
 * label with the largest sum of mean squares.
 */
export function forwardForward(widths: readonly number[]): Learner<Dense[]> {
  const layers = widths.map((width, i) => dense(i === 0 ? PIXELS + CLASSES : widths[i - 1]!, width));
  const direction = (x: Tensor) => divide(x, sqrt(add(mean(square(x), { axis: 1, keepDims: true }), 1e-8)));
  const goodness = (params: Dense[], x: Tensor, labels: Tensor) => {
    let input = concat([x, oneHot(labels, CLASSES)], 1);
    return layers.map((layer, i) => {
      const hidden = relu(layer.apply(params[i]!, direction(stopGradient(input))));
      input = hidden;
      return mean(square(hidden), { axis: 1 });
    });
  };
  return {
    init: (stream) => layers.map((layer, i) => layer.init(stream.split(i))),
    noise: () => [1],
    loss(params, { x, labels, wrong }) {
      const [good, bad] = [goodness(params, x, labels), goodness(params, x, wrong)];
      return good
        .map((value, i) => add(mean(softplus(subtract(2, value))), mean(softplus(subtract(bad[i]!, 2)))))
        .reduce((total, part) => add(total, part));
    },
    scores: (params, x) => {
      const n = x.shape[0]!;
      const each = Array.from({ length: CLASSES }, (_, digit) =>
        goodness(params, x, fromData(new Int32Array(n).fill(digit), [n])).reduce((a, b) => add(a, b)),
      );
      return [stack(each, 1)];
    },
  };
}

/**
 * Difference target propagation (Lee et al. 2015): the last hidden layer's target is one gradient step away, the others'
 * come back through learned inverses g, ĥ_{l−1} = h_{l−1} + g(ĥ_l) − g(h_l). Layers learn to meet their targets, inverses
 * to undo their layer on noised activations.
 *
 * @param step Size of the first target's step, for the gradient of one example's cross-entropy.
 */
export function targetPropagation(
  widths: readonly number[],
  { step = 0.5, deviation = 0.1 } = {},
): Learner<{ layers: Dense[]; inverses: Dense[]; head: Dense }> {
  const layers = widths.map((width, i) => dense(i === 0 ? PIXELS : widths[i - 1]!, width));
  const inverses = widths.slice(1).map((width, i) => dense(width, widths[i]!));
  const head = dense(widths.at(-1)!, CLASSES);
  const forward = (i: number, params: Dense, x: Tensor) => tanh(layers[i]!.apply(params, x));
  const back = (i: number, params: Dense, h: Tensor) => tanh(inverses[i]!.apply(params, h));
  const run = (params: Dense[], x: Tensor) => {
    let input = x;
    return layers.map((_, i) => {
      input = forward(i, params[i]!, stopGradient(input));
      return input;
    });
  };
  const distance = (a: Tensor, b: Tensor) => mean(sum(square(subtract(a, b)), { axis: 1 }));
  return {
    init: (stream) => ({
      layers: layers.map((layer, i) => layer.init(stream.split(`layer ${i}`))),
      inverses: inverses.map((layer, i) => layer.init(stream.split(`inverse ${i}`))),
      head: head.init(stream.split("head")),
    }),
    noise: (n) => [n, Math.max(...widths)],
    loss(params, { x, labels, noise }) {
      const hidden = run(params.layers, x);
      const last = stopGradient(hidden.at(-1)!);
      const logits = head.apply(params.head, last);
      const slope = matmul(subtract(softmax(logits), oneHot(labels, CLASSES)), transpose(params.head.weight));
      let target = stopGradient(subtract(last, multiply(slope, step)));
      let total = softmaxCrossEntropy(logits, labels);
      for (let i = layers.length - 1; i >= 0; i--) {
        total = add(total, distance(hidden[i]!, target));
        if (i === 0) break;
        const [below, above] = [stopGradient(hidden[i - 1]!), stopGradient(hidden[i]!)];
        const inverse = params.inverses[i - 1]!;
        const shift = subtract(back(i - 1, inverse, target), back(i - 1, inverse, above));
        target = stopGradient(add(below, shift));
        const noised = add(below, multiply(slice(noise, [null, [0, widths[i - 1]!]]), deviation));
        const returned = back(i - 1, inverse, stopGradient(forward(i, params.layers[i]!, noised)));
        total = add(total, distance(returned, noised));
      }
      return total;
    },
    scores: (params, x) => [head.apply(params.head, run(params.layers, x).at(-1)!)],
  };
}

export interface LocalTraining {
  train: { images: Float32Array; labels: Int32Array };
  learningRate: number;
  weightDecay: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights, batches and noise. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Trains a learner; returns its scores [n, 10] of images, with noise from a stream. */
export async function trainLearner<P>(
  learner: Learner<P>,
  { train, learningRate, weightDecay, epochs, batchSize, seed, signal, onStep }: LocalTraining,
): Promise<(images: Float32Array, stream: Random) => Promise<Float32Array[]>> {
  const optimizer = adamW({ learningRate, weightDecay });
  const root = random(seed);
  const order = inEpochs({
    count: train.labels.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const { state } = await fit({
    state: optimizer.init(await evaluate(learner.init(root.split("weights")))),
    step: trainingStep({ loss: learner.loss, optimizer, compile: { threads: 1 } }),
    steps: order.steps,
    batch: (i): Batch => {
      const indices = order.indices(i);
      const labels = take(train.labels, indices);
      const stream = root.split("noise").split(i);
      const wrong = labels.map((label) => (label + stream.integer(1, CLASSES)) % CLASSES);
      return {
        x: fromData(take(train.images, indices, PIXELS), [batchSize, PIXELS]),
        labels: fromData(labels, [batchSize]),
        wrong: fromData(wrong, [batchSize]),
        noise: normal(stream, learner.noise(batchSize)),
      };
    },
    signal,
    onStep: (i, loss) => onStep?.(i, order.steps, loss),
  });
  const score = compile((params: P, x: Tensor, noise: Tensor) => learner.scores(params, x, noise), {
    threads: 1,
  });
  return async (images, stream) => {
    const n = images.length / PIXELS;
    const scores = await score(state.params, fromData(images, [n, PIXELS]), normal(stream, learner.noise(n)));
    return scores.map((x) => values(x) as Float32Array);
  };
}

const normal = (stream: Random, shape: number[]): Tensor =>
  fromData(stream.normal(shape.reduce((a, b) => a * b)), shape);
