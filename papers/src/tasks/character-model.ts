/**
 * A small transformer that guesses the next character of a novel, trained in the open: every step's loss and
 * gradient norm are kept, and a run that diverges goes on to its end instead of failing.
 */
import {
  add,
  compile,
  fromData,
  gather,
  matmul,
  reshape,
  slice,
  type Tensor,
  valueAndGrad,
  values,
} from "nearmiss";
import { mobyDick } from "nearmiss/data";
import { softmaxCrossEntropy } from "nearmiss/losses";
import {
  type BlockOptions,
  causalMask,
  type EncoderBlock,
  embedding,
  type Initializer,
  normal,
  type Stack,
  transformerEncoder,
} from "nearmiss/nn";
import { clipByGlobalNorm, globalNorm, type LearningRate, type Optimizer } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

export interface Characters {
  /** Number of different characters; all rare ones are number 0. */
  vocabulary: number;
  train: Int32Array;
  validation: Int32Array;
}

const FREQUENT = 39;
const lower = (text: string) => text.toLowerCase().replace(/\s+/g, " ");
const novel = remember(() => mobyDick().map(({ text }) => lower(text)));

/** The novel's most frequent characters, numbered from 1. */
const alphabet = remember(() => {
  const counts = new Map<string, number>();
  for (const text of novel()) for (const each of text) counts.set(each, (counts.get(each) ?? 0) + 1);
  const frequent = [...counts].sort((a, b) => b[1] - a[1]).slice(0, FREQUENT);
  return new Map(frequent.map(([each], i) => [each, i + 1]));
});

/** Any text as numbers of the novel's characters. */
export const encodeCharacters = (text: string): Int32Array =>
  Int32Array.from(lower(text), (each) => alphabet().get(each) ?? 0);

/** Moby-Dick in lower case as numbers of characters; every tenth chapter is for validation. */
export const characters = remember((): Characters => {
  const part = (wanted: (chapter: number) => boolean) =>
    encodeCharacters(
      novel()
        .filter((_, i) => wanted(i))
        .join(" "),
    );
  return {
    vocabulary: FREQUENT + 1,
    train: part((i) => i % 10 !== 9),
    validation: part((i) => i % 10 === 9),
  };
});

export interface CharacterModelOptions extends BlockOptions {
  vocabulary: number;
  context: number;
  layers: number;
  /** What is done to the sum of a token's and its position's vector, [n, length, width]. Default: nothing. */
  embed?: (vectors: Tensor) => Tensor;
  /** How tables of tokens and positions start. Default: that of `embedding`. */
  table?: Initializer;
}

export interface CharacterParams {
  tokens: Tensor;
  positions: Tensor;
  stack: Stack<EncoderBlock>;
  /** [width, vocabulary] */
  head: Tensor;
}

/** A decoder-only pre-norm transformer with learnt positions and a head of its own. */
export interface CharacterModel {
  context: number;
  init(random: Random): CharacterParams;
  /** The first block's input, [n, length, width]. */
  embed(params: CharacterParams, tokens: Tensor): Tensor;
  /** Logits [n · length, vocabulary] of the first block's input. */
  logits(params: CharacterParams, embedded: Tensor): Tensor;
}

export function characterModel(options: CharacterModelOptions): CharacterModel {
  const { vocabulary, context, layers, embed = (x) => x, table, ...block } = options;
  const { width } = block;
  const [tokens, positions] = [embedding(vocabulary, width, { table }), embedding(context, width, { table })];
  const stack = transformerEncoder({ ...block, layers });
  return {
    context,
    init: (draw) => ({
      tokens: tokens.init(draw.split("tokens")),
      positions: positions.init(draw.split("positions")),
      stack: stack.init(draw.split("stack")),
      head: normal(1 / Math.sqrt(width))(draw.split("head"), [width, vocabulary]),
    }),
    embed: (params, x) => embed(add(gather(params.tokens, x), slice(params.positions, [[0, x.shape[1]!]]))),
    logits(params, embedded) {
      const [n, length] = embedded.shape as [number, number];
      const hidden = stack.apply(params.stack, embedded, { mask: causalMask(length) });
      return matmul(reshape(hidden, [n * length, width]), params.head);
    },
  };
}

export interface CharacterBatch {
  /** int32 [n, context] */
  inputs: Tensor;
  /** int32 [n · context] */
  targets: Tensor;
}

/** Pieces of a text that begin anywhere. */
export function characterBatch(
  text: Int32Array,
  size: number,
  context: number,
  draw: Random,
): CharacterBatch {
  const inputs = new Int32Array(size * context);
  const targets = new Int32Array(size * context);
  for (let row = 0; row < size; row++) {
    const from = draw.integer(0, text.length - context);
    inputs.set(text.subarray(from, from + context), row * context);
    targets.set(text.subarray(from + 1, from + context + 1), row * context);
  }
  return { inputs: fromData(inputs, [size, context]), targets: fromData(targets, [size * context]) };
}

/** Mean loss of logits [n · length, vocabulary]. */
export type CharacterLoss = (logits: Tensor, targets: Tensor) => Tensor;

export interface CharacterTrainerOptions<State> {
  model: CharacterModel;
  /** The optimizer at a learning rate. */
  optimizer: (learningRate: LearningRate) => Optimizer<State>;
  /** What is trained on; what is told is always the cross-entropy. Default: cross-entropy. */
  loss?: CharacterLoss;
  /** The largest norm that gradients may have together. Default: 1. */
  clip?: number;
}

export interface CharacterRunOptions<State> {
  data: Characters;
  params: CharacterParams;
  batchSize: number;
  steps: number;
  /** The learning rate of each step, from 0. */
  learningRate: (step: number) => number;
  /** Decides the batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, loss: number, state: State & { params: CharacterParams }) => void | Promise<void>;
}

export interface CharacterRun<State> {
  state: State & { params: CharacterParams };
  /** Cross-entropy of each step's batch before the step, nats a character. */
  losses: Float64Array;
  /** Norm of each step's gradients before clipping. */
  gradientNorms: Float64Array;
}

/** One compiled step for any learning rate and weights: make a trainer once, and train with it often. */
export function characterTrainer<State>({
  model,
  optimizer,
  loss = softmaxCrossEntropy,
  clip = 1,
}: CharacterTrainerOptions<State>): (options: CharacterRunOptions<State>) => Promise<CharacterRun<State>> {
  const step = compile(
    (state: State & { params: CharacterParams }, { inputs, targets }: CharacterBatch, rate: Tensor) => {
      const [[, told], gradients] = valueAndGrad((params: CharacterParams) => {
        const logits = model.logits(params, model.embed(params, inputs));
        const crossEntropy = softmaxCrossEntropy(logits, targets);
        return [loss === softmaxCrossEntropy ? crossEntropy : loss(logits, targets), crossEntropy] as const;
      })(state.params);
      const size = globalNorm(gradients);
      const clipped = clipByGlobalNorm(gradients, clip, size);
      return { state: optimizer(() => rate).update(state, clipped), loss: told, size };
    },
    { threads: 1 },
  );
  return async ({ data, params, batchSize, steps, learningRate, seed, signal, onStep }) => {
    const batches = random(seed).split("batches");
    const losses = new Float64Array(steps);
    const gradientNorms = new Float64Array(steps);
    let state = optimizer(1).init(params);
    for (let i = 0; i < steps; i++) {
      signal?.throwIfAborted();
      const batch = characterBatch(data.train, batchSize, model.context, batches.split(i));
      const next = await step(state, batch, fromData(Float32Array.of(learningRate(i)), []));
      losses[i] = values(next.loss)[0]!;
      gradientNorms[i] = values(next.size)[0]!;
      state = next.state;
      await onStep?.(i, losses[i]!, state);
    }
    return { state, losses, gradientNorms };
  };
}

/** Mean cross-entropy on pieces of the validation text, nats a character: equal pieces for equal seeds. */
export function characterJudge(
  model: CharacterModel,
): (data: Characters, params: CharacterParams, pieces: number, seed: number) => Promise<number> {
  const judge = compile(
    (params: CharacterParams, { inputs, targets }: CharacterBatch) =>
      softmaxCrossEntropy(model.logits(params, model.embed(params, inputs)), targets),
    { threads: 1 },
  );
  return async (data, params, pieces, seed) => {
    const draw = random(seed).split("validation");
    const batch = characterBatch(data.validation, pieces, model.context, draw);
    return values(await judge(params, batch))[0]!;
  };
}
