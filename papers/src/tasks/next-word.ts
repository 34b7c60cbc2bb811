/** Guessing the next word of a novel from the four before it, with one hidden layer. */
import { compile, fromData, matmul, reshape, type Tensor, tanh, valueAndGrad, values } from "nearmiss";
import { mobyDick, take } from "nearmiss/data";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { dense, embedding, glorotUniform } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { padding, unknown, vocabulary, words } from "nearmiss/text";
import { remember } from "../remember.ts";

const CONTEXT = 4;
const WIDTH = 32;

export interface NextWords {
  /** Word indices, [n, 4]. */
  contexts: Int32Array;
  /** Index of the next word, [n]. */
  targets: Int32Array;
}

export interface NextWordTask {
  /** Number of words to choose from, context included. */
  vocabulary: number;
  train: NextWords;
  validation: NextWords;
  test: NextWords;
}

/** Places in Moby-Dick whose next word is in the vocabulary; whole chapters are kept apart. */
export const nextWords = remember(
  (options: {
    vocabulary: number;
    train: number;
    validation: number;
    test: number;
    seed: number;
  }): NextWordTask => {
    const stream = random(options.seed).split("next words");
    const chapters = stream.shuffle(mobyDick().map(({ text }) => words(text)));
    const count = (part: string[][]) => part.reduce((total, list) => total + list.length, 0);
    const parts: string[][][] = [[], [], []];
    const whole = count(chapters);
    // A tenth of the words for validation, a fifth for the test, the rest for training.
    for (const chapter of chapters) {
      const part = count(parts[1]!) < whole / 10 ? 1 : count(parts[2]!) < whole / 5 ? 2 : 0;
      parts[part]!.push(chapter);
    }
    const known = vocabulary(
      parts[0]!.map((list) => list.join(" ")),
      { size: options.vocabulary },
    );
    const places = (part: string[][], size: number, name: string): NextWords => {
      const contexts: number[] = [];
      const targets: number[] = [];
      for (const chapter of part) {
        const indices = chapter.map((word) => known.index(word));
        for (let i = CONTEXT; i < indices.length; i++) {
          if (indices[i] === unknown) continue;
          contexts.push(...indices.slice(i - CONTEXT, i));
          targets.push(indices[i]!);
        }
      }
      const chosen = stream.split(name).sample(targets.length, Math.min(size, targets.length));
      return {
        contexts: Int32Array.from(take(Int32Array.from(contexts), chosen, CONTEXT)),
        targets: Int32Array.from(take(Int32Array.from(targets), chosen)),
      };
    };
    return {
      vocabulary: known.size,
      train: places(parts[0]!, options.train, "train"),
      validation: places(parts[1]!, options.validation, "validation"),
      test: places(parts[2]!, options.test, "test"),
    };
  },
);

export interface NextWordOptions {
  task: NextWordTask;
  /** Mean loss of outputs [n, vocabulary] with labels int32 [n]. */
  loss: (outputs: Tensor, labels: Tensor) => Tensor;
  hidden: number;
  learningRate: number;
  epochs: number;
  batchSize: number;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Outputs [n, vocabulary] for contexts [n, 4]. */
export type NextWordModel = (contexts: Int32Array) => Promise<Float32Array>;

/** The output layer has no bias, as the spherical family wants it. */
export async function trainNextWord(options: NextWordOptions): Promise<NextWordModel> {
  const { task, loss, hidden, learningRate, epochs, batchSize, seed, signal, onStep } = options;
  const table = embedding(task.vocabulary, WIDTH);
  const layer = dense(CONTEXT * WIDTH, hidden);
  const optimizer = adam({ learningRate });
  const root = random(seed);
  const weights = root.split("weights");
  const start = optimizer.init({
    table: table.init(weights.split("table")),
    layer: layer.init(weights.split("layer")),
    output: glorotUniform(weights.split("output"), [hidden, task.vocabulary]),
  });
  const apply = (params: typeof start.params, contexts: Tensor) => {
    const vectors = table.apply(params.table, contexts);
    const flat = reshape(vectors, [contexts.shape[0]!, CONTEXT * WIDTH]);
    return matmul(tanh(layer.apply(params.layer, flat)), params.output);
  };
  const step = compile(
    (state: typeof start, batch: { contexts: Tensor; targets: Tensor }) => {
      const [value, gradients] = valueAndGrad((params: typeof start.params) =>
        loss(apply(params, batch.contexts), batch.targets),
      )(state.params);
      return { state: optimizer.update(state, gradients), loss: value };
    },
    { threads: 1 },
  );
  const { contexts, targets } = task.train;
  const order = inEpochs({ count: targets.length, size: batchSize, random: root.split("batches"), epochs });
  const { state } = await fit({
    state: start,
    step,
    steps: order.steps,
    batch: (i) => ({
      contexts: fromData(take(contexts, order.indices(i), CONTEXT), [batchSize, CONTEXT]),
      targets: fromData(take(targets, order.indices(i)), [batchSize]),
    }),
    signal,
    onStep: (i, value) => onStep?.(i, order.steps, value),
  });
  const outputs = compile(apply, { threads: 1 });
  return async (x) =>
    values(await outputs(state.params, fromData(x, [x.length / CONTEXT, CONTEXT]))) as Float32Array;
}

/** Shares of the examples whose true word is not among the k largest outputs, for each k. */
export function topKErrors(outputs: Float32Array, targets: Int32Array, ks: readonly number[]): number[] {
  const classes = outputs.length / targets.length;
  const missed = ks.map(() => 0);
  for (const [i, target] of targets.entries()) {
    const row = outputs.subarray(i * classes, (i + 1) * classes);
    const own = row[target]!;
    // Padding and the unknown word are never true: they are not in the way either.
    let above = 0;
    for (let word = 0; word < classes; word++)
      if (word !== padding && word !== unknown && word !== target && row[word]! >= own) above++;
    ks.forEach((k, at) => {
      missed[at]! += Number(above >= k);
    });
  }
  return missed.map((count) => count / targets.length);
}
