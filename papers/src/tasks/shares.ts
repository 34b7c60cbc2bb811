/** Tasks whose answer is a share for each class or place: topics of documents, sets of digits, where to look. */
import { compile, fromData, squeeze, type Tensor, values } from "nearmiss";
import { mnist, take } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { attention, attentionWeights, type Dense, dense, type Layer, type Normalizer } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { dirichlet, random } from "nearmiss/random";
import { remember } from "../remember.ts";

/** Rows x [n, inputs] with a target distribution over the classes for each, [n, classes]. */
export interface SharedRows {
  x: Float32Array;
  shares: Float32Array;
}

export interface SharesTask {
  inputs: number;
  classes: number;
  train: SharedRows;
  validation: SharedRows;
  test: SharedRows;
}

export interface Sizes {
  train: number;
  validation: number;
  test: number;
  seed: number;
}

const TOPICS = 10;
const WORDS = 100;

/**
 * Documents of 200 to 2,000 words from 1 to 10 topics, as frequencies of 100 words. The topics of a
 * document have equal shares, or shares drawn evenly from the simplex.
 */
export const documents = remember(({ equal, ...sizes }: Sizes & { equal: boolean }): SharesTask => {
  const draw = random(sizes.seed).split("documents");
  const topics = Array.from({ length: TOPICS }, () => dirichlet(draw, Array(WORDS).fill(0.3)));
  const part = (n: number): SharedRows => {
    const x = new Float32Array(n * WORDS);
    const shares = new Float32Array(n * TOPICS);
    for (let i = 0; i < n; i++) {
      const chosen = draw.sample(TOPICS, draw.integer(1, TOPICS + 1));
      const even = Array(chosen.length).fill(1);
      const parts = equal ? even.map((one) => one / chosen.length) : dirichlet(draw, even);
      const mixture = new Float64Array(WORDS);
      chosen.forEach((topic, k) => {
        shares[i * TOPICS + topic] = parts[k]!;
        for (let word = 0; word < WORDS; word++) mixture[word]! += parts[k]! * topics[topic]![word]!;
      });
      const length = draw.integer(200, 2001);
      // Frequencies about 1 on average, so that all learning rates have the usual size.
      for (const word of draw.categorical(mixture, length)) x[i * WORDS + word]! += WORDS / length;
    }
    return { x, shares };
  };
  const { train, validation, test } = sizes;
  return {
    inputs: WORDS,
    classes: TOPICS,
    train: part(train),
    validation: part(validation),
    test: part(test),
  };
});

/** Images of 28 × 28 with 1 to 4 digits in their quarters; shares are even over the digits that are shown. */
export const digitSets = remember(({ seed, ...sizes }: Sizes): SharesTask => {
  const digits = mnist({ ...sizes, seed, size: 14 });
  const draw = random(seed).split("digit sets");
  const part = ({ images, labels }: { images: Float32Array; labels: Int32Array }): SharedRows => {
    const n = labels.length;
    const x = new Float32Array(n * 784);
    const shares = new Float32Array(n * 10);
    for (let i = 0; i < n; i++) {
      const shown = new Set<number>();
      for (const quarter of draw.sample(4, draw.integer(1, 5))) {
        const digit = draw.integer(0, n);
        shown.add(labels[digit]!);
        const corner = i * 784 + Math.floor(quarter / 2) * 14 * 28 + (quarter % 2) * 14;
        for (let row = 0; row < 14; row++)
          x.set(images.subarray(digit * 196 + row * 14, digit * 196 + row * 14 + 14), corner + row * 28);
      }
      for (const label of shown) shares[i * 10 + label] = 1 / shown.size;
    }
    return { x, shares };
  };
  return {
    inputs: 784,
    classes: 10,
    train: part(digits.train),
    validation: part(digits.validation),
    test: part(digits.test),
  };
});

export interface ShareTraining {
  learningRate: number;
  epochs: number;
  batchSize: number;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/**
 * Trains a network on rows with shares; returns its shares [n, classes] for rows as a function.
 *
 * @param loss Mean loss of scores [n, classes] to shares of the same shape.
 * @param toShares From scores to shares.
 */
export async function trainShares<P>(
  options: ShareTraining & {
    task: SharesTask;
    network: Layer<P>;
    loss: (scores: Tensor, shares: Tensor) => Tensor;
    toShares: (scores: Tensor) => Tensor;
  },
): Promise<(x: Float32Array) => Promise<Float32Array>> {
  const { task, network, loss, toShares, learningRate, epochs, batchSize, seed, signal, onStep } = options;
  const { inputs, classes, train } = task;
  const root = random(seed);
  const optimizer = adam({ learningRate });
  const step = trainingStep({
    loss: (params: P, batch: { x: Tensor; shares: Tensor }) =>
      loss(network.apply(params, batch.x), batch.shares),
    optimizer,
    compile: { threads: 1 },
  });
  const order = inEpochs({
    count: train.x.length / inputs,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const { state } = await fit({
    state: optimizer.init(network.init(root.split("weights"))),
    step,
    steps: order.steps,
    batch: (i) => ({
      x: fromData(take(train.x, order.indices(i), inputs), [batchSize, inputs]),
      shares: fromData(take(train.shares, order.indices(i), classes), [batchSize, classes]),
    }),
    signal,
    onStep: (i, value) => onStep?.(i, order.steps, value),
  });
  const predict = compile((params: P, x: Tensor) => toShares(network.apply(params, x)), { threads: 1 });
  return async (x) =>
    values(await predict(state.params, fromData(x, [x.length / inputs, inputs]))) as Float32Array;
}

const PLACES = 32;
const WIDTH = 16;
const ANSWERS = 10;

interface Lookups {
  /** What is looked for, [n, 1, 16]. */
  queries: Float32Array;
  /** Keys, [n, 32, 16]: one like the query, three half like it, the rest unrelated. */
  keys: Float32Array;
  /** What stands at each place, one-hot, [n, 32, 10]. */
  contents: Float32Array;
  /** What stands at the right place, [n]. */
  answers: Int32Array;
}

/** Lookups in 32 places, of which one is right and three resemble it. */
export const lookups = remember(({ train, validation, test, seed }: Sizes) => {
  const draw = random(seed).split("lookups");
  const part = (n: number): Lookups => {
    const queries = draw.normal(n * WIDTH);
    const keys = draw.normal(n * PLACES * WIDTH);
    const contents = new Float32Array(n * PLACES * ANSWERS);
    const answers = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const alike = draw.sample(PLACES, 4);
      alike.forEach((place, rank) => {
        const [like, noise] = rank === 0 ? [1, 0.5] : [0.5, 0.75];
        for (let j = 0; j < WIDTH; j++) {
          const at = (i * PLACES + place) * WIDTH + j;
          keys[at] = like * queries[i * WIDTH + j]! + noise * keys[at]!;
        }
      });
      for (let place = 0; place < PLACES; place++) {
        const content = draw.integer(0, ANSWERS);
        contents[(i * PLACES + place) * ANSWERS + content] = 1;
        if (place === alike[0]) answers[i] = content;
      }
    }
    return { queries, keys, contents, answers };
  };
  return { train: part(train), validation: part(validation), test: part(test) };
});

type LookupBatch = { queries: Tensor; keys: Tensor; contents: Tensor; answers: Tensor };

/** Trains one attention head; returns logits [n, 10] and attention weights [n, 32] for lookups. */
export async function trainLookup(
  options: ShareTraining & {
    train: Lookups;
    normalizer: Normalizer;
    loss: (logits: Tensor, answers: Tensor) => Tensor;
  },
): Promise<(examples: Lookups) => Promise<{ logits: Float32Array; weights: Float32Array }>> {
  const { train, normalizer, loss, learningRate, epochs, batchSize, seed, signal, onStep } = options;
  const root = random(seed);
  const [query, key, output] = [dense(WIDTH, WIDTH), dense(WIDTH, WIDTH), dense(ANSWERS, ANSWERS)];
  const weights = root.split("weights");
  const start = {
    query: query.init(weights.split("query")),
    key: key.init(weights.split("key")),
    output: output.init(weights.split("output")),
  };
  type Params = Record<keyof typeof start, Dense>;
  const projected = (params: Params, batch: LookupBatch) =>
    [query.apply(params.query, batch.queries), key.apply(params.key, batch.keys)] as const;
  const logitsOf = (params: Params, batch: LookupBatch) => {
    const found = attention(...projected(params, batch), batch.contents, { normalizer });
    return squeeze(output.apply(params.output, found), 1);
  };
  const batchOf = (examples: Lookups, rows: Int32Array): LookupBatch => ({
    queries: fromData(take(examples.queries, rows, WIDTH), [rows.length, 1, WIDTH]),
    keys: fromData(take(examples.keys, rows, PLACES * WIDTH), [rows.length, PLACES, WIDTH]),
    contents: fromData(take(examples.contents, rows, PLACES * ANSWERS), [rows.length, PLACES, ANSWERS]),
    answers: fromData(take(examples.answers, rows), [rows.length]),
  });
  const optimizer = adam({ learningRate });
  const step = trainingStep({
    loss: (params: Params, batch: LookupBatch) => loss(logitsOf(params, batch), batch.answers),
    optimizer,
    compile: { threads: 1 },
  });
  const order = inEpochs({
    count: train.answers.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const { state } = await fit({
    state: optimizer.init(start as Params),
    step,
    steps: order.steps,
    batch: (i) => batchOf(train, order.indices(i)),
    signal,
    onStep: (i, value) => onStep?.(i, order.steps, value),
  });
  const look = compile(
    (params: Params, batch: LookupBatch) => ({
      logits: logitsOf(params, batch),
      weights: attentionWeights(...projected(params, batch), { normalizer }),
    }),
    { threads: 1 },
  );
  return async (examples) => {
    const rows = Int32Array.from(examples.answers, (_, i) => i);
    const { logits, weights } = await look(state.params, batchOf(examples, rows));
    return { logits: values(logits) as Float32Array, weights: values(weights) as Float32Array };
  };
}
