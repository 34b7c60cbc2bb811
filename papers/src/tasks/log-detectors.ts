/**
 * Detectors of anomalous log sessions: an encoder of messages before a language model that answers in words, and
 * classifiers of what a log parser or a word count makes of a session.
 */
import {
  argMax,
  cast,
  compile,
  divide,
  expandDims,
  fromData,
  gather,
  maximum,
  multiply,
  notEqual,
  reshape,
  slice,
  sum,
  type Tensor,
  values,
} from "nearmiss";
import { oversampleMinority, take } from "nearmiss/data";
import { epochs, fit, type Stage, stagedTraining, trainingStep } from "nearmiss/fit";
import { type Features, linearScores, logisticRegression } from "nearmiss/inference";
import {
  type CausalLanguageModelParams,
  causalLanguageModel,
  type NextTokens,
  nextTokens,
  prefixedLogits,
} from "nearmiss/language";
import { softmaxCrossEntropy, tokenCrossEntropy } from "nearmiss/losses";
import { type Dense, dense } from "nearmiss/nn";
import { adamW } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { logTemplates, maskLogVariables } from "nearmiss/text";
import { remember } from "../remember.ts";
import { anyMessage, LONGEST, logWords } from "./service-logs.ts";

export interface Sessions {
  messages: string[][];
  /** 1: anomalous. */
  labels: Int32Array;
}

/** Whether each session is found anomalous, 1 or 0. */
export type Detector = (messages: readonly string[][]) => Promise<Int32Array>;

export interface DetectorSize {
  width: number;
  layers: number;
}

export interface DetectorTraining extends DetectorSize {
  train: Sessions;
  steps: number;
  batchSize: number;
  learningRate: number;
  /** Decides initial weights and batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

const HEAD = "System log messages :";
const QUESTION = "Normal or anomalous ?";
const PREFIX = "The sequence is";
const [PADDING, UNKNOWN, END] = [0, 1, 2];
const words = [
  ...new Set(["<*>", ...logWords, ...`${HEAD} ${QUESTION} ${PREFIX} normal anomalous .`.split(" ")]),
];
const numbers = new Map(words.map((word, i) => [word, i + 3]));
const VOCABULARY = words.length + 3;
/** Words of the longest message. */
const MESSAGE = 10;

const tokensOf = (text: string): number[] =>
  text
    .trim()
    .split(/\s+/)
    .map((word) => numbers.get(word) ?? UNKNOWN);
const head = tokensOf(HEAD);
const beforeAnswer = tokensOf(`${QUESTION} ${PREFIX}`);
const answers = ["normal", "anomalous"].map((word) => [...tokensOf(`${word} .`), END]);
const ANOMALOUS = numbers.get("anomalous")!;
const TAIL = beforeAnswer.length + answers[0]!.length;

/** Rows that are classified at once. */
const ROWS = 100;

/** An encoder with one vector a word, a projector, and a decoder. */
export interface LogParts extends Record<string, unknown> {
  encoder: Tensor;
  projector: Dense;
  decoder: CausalLanguageModelParams;
}

interface LogBatch {
  /** int32 [n, LONGEST, MESSAGE] */
  messages: Tensor;
  /** int32 [n, TAIL] */
  tail: Tensor;
}

/** The model that reads encoded messages, without its weights; equal sizes share their compiled graphs. */
const logModel = remember((width: number, layers: number) => {
  const context = head.length + LONGEST + TAIL;
  const model = causalLanguageModel({ vocabulary: VOCABULARY, context, width, heads: 4, layers });
  const projector = dense(width, width);
  /** A message is the mean of its words' vectors; an empty one, which fills up a session, the zero vector. */
  const encode = (table: Tensor, messages: Tensor) => {
    const present = cast(notEqual(messages, PADDING), "float32");
    const total = sum(multiply(gather(table, messages), expandDims(present, -1)), { axis: 2 });
    return divide(total, maximum(sum(present, { axis: 2, keepDims: true }), 1));
  };
  const logits = ({ encoder, projector: p, decoder }: LogParts, { messages, tail }: LogBatch) =>
    prefixedLogits(model, decoder, { head, vectors: projector.apply(p, encode(encoder, messages)), tail });
  // As in the authors' code, the loss is over the whole answer, the words that are the same in all included.
  const from = tokensOf(QUESTION).length;
  const loss = (parts: LogParts, batch: LogBatch) => {
    const [n] = batch.tail.shape as [number];
    const mask = Uint8Array.from({ length: n * (TAIL - 1) }, (_, i) => Number((i % (TAIL - 1)) + 1 >= from));
    return tokenCrossEntropy(
      slice(logits(parts, batch), [null, [0, TAIL - 1]]),
      slice(batch.tail, [null, [1, TAIL]]),
      fromData(mask, [n, TAIL - 1]),
    );
  };
  const answer = compile(
    (parts: LogParts, batch: LogBatch) =>
      argMax(slice(logits(parts, batch), [null, [beforeAnswer.length - 1, beforeAnswer.length]])),
    { threads: 1 },
  );
  const optimizer = adamW({ learningRate: 1e-2, weightDecay: 0 });
  const pretrain = trainingStep({
    loss: (params: CausalLanguageModelParams, { inputs, targets, mask }: NextTokens) =>
      tokenCrossEntropy(model.apply(params, inputs), targets, mask),
    optimizer,
    compile: { threads: 1 },
  });
  return {
    model,
    projector,
    answer,
    optimizer,
    pretrain,
    train: stagedTraining({ loss, decay: 0.9, compile: { threads: 1 } }),
  };
});

/** A language model that has read lines of general log text, which stand for what pretrained models have read. */
const pretrained = remember(async (size: DetectorSize & { pretraining: number; seed: number }) => {
  const { width, layers, pretraining, seed } = size;
  const { model, optimizer, pretrain } = logModel(width, layers);
  const root = random(seed).split("log text");
  const { state } = await fit({
    state: optimizer.init(model.init(root.split("weights"))),
    step: pretrain,
    steps: pretraining,
    batch: (i) => {
      const draw = root.split(i);
      const lines = Array.from({ length: 64 }, () => maskLogVariables(anyMessage(draw)));
      return nextTokens(
        lines.map((line) => ({ prompt: [END], response: [...tokensOf(line), END] })),
        MESSAGE + 2,
      );
    },
  });
  return state.params;
});

/** The messages of sessions as words, filled up with empty messages at the front. */
function messageTokens(sessions: readonly string[][]): Int32Array {
  const tokens = new Int32Array(sessions.length * LONGEST * MESSAGE);
  sessions.forEach((messages, row) => {
    messages.forEach((message, i) => {
      const at = (row + 1) * LONGEST - messages.length + i;
      tokens.set(tokensOf(maskLogVariables(message)).slice(0, MESSAGE), at * MESSAGE);
    });
  });
  return tokens;
}

/** The sessions of each step: all of them, the anomalous ones repeated to a share of 0.3, again and again. */
function batchesOf({ train: { labels }, steps, batchSize, seed }: DetectorTraining) {
  const root = random(seed).split("session batches");
  const indices = oversampleMinority(labels, { random: root });
  const order = epochs({
    count: indices.length,
    size: batchSize,
    random: root,
    epochs: (steps * batchSize) / indices.length + 1,
  });
  return (i: number) => Int32Array.from(order.indices(i), (at) => indices[at]!);
}

/**
 * Trains encoder, projector and decoder to complete "The sequence is" by "normal" or "anomalous": in four stages as
 * the paper does, or all together in as many steps.
 *
 * @param options.learningRate At the start of each stage.
 * @param options.pretraining Steps on general log text.
 */
export async function trainLogModel(
  options: DetectorTraining & { staged: boolean; pretraining: number },
): Promise<Detector> {
  const { width, layers, staged, train, steps, learningRate, pretraining, seed, signal, onStep } = options;
  const { projector, answer, train: run } = logModel(width, layers);
  const decoder = await pretrained({ width, layers, pretraining, seed });
  const tokens = messageTokens(train.messages);
  const rows = batchesOf(options);
  const all = ["encoder", "projector", "decoder"];
  const stage = (parts: string[], share: number): Stage<LogParts> => ({
    parts,
    steps: Math.round(steps * share),
    learningRate,
  });
  const parts = await run({
    // The encoder starts with the words' vectors that the language model has learnt.
    params: {
      encoder: decoder.tokens,
      projector: projector.init(random(seed).split("projector")),
      decoder,
    },
    stages: staged
      ? [
          stage(["decoder"], 0.3),
          stage(["projector"], 0.15),
          stage(["encoder", "projector"], 0.15),
          stage(all, 0.4),
        ]
      : [stage(all, 1)],
    batch: (i) => {
      const chosen = rows(i);
      const tail = Array.from(chosen, (at) => [...beforeAnswer, ...answers[train.labels[at]!]!]).flat();
      return {
        messages: fromData(take(tokens, chosen, LONGEST * MESSAGE), [chosen.length, LONGEST, MESSAGE]),
        tail: fromData(Int32Array.from(tail), [chosen.length, TAIL]),
      };
    },
    signal,
    onStep,
  });
  return inRows(messageTokens, LONGEST * MESSAGE, async (tokens) => {
    const messages = fromData(tokens, [ROWS, LONGEST, MESSAGE]);
    const tail = Array.from({ length: ROWS }, () => beforeAnswer).flat();
    const batch = { messages, tail: fromData(Int32Array.from(tail), [ROWS, beforeAnswer.length]) };
    const found = values(await answer(parts, batch));
    // Any other word than "anomalous" counts as normal.
    return Int32Array.from(found as Int32Array, (token) => Number(token === ANOMALOUS));
  });
}

/** Ids of the templates of a session's messages by Drain, padded at the front: [LONGEST]; 1 for a new template. */
function templateIds(train: Sessions) {
  const parser = logTemplates(train.messages.flat().map(maskLogVariables));
  return {
    vocabulary: parser.templates.length + 2,
    encode(sessions: readonly string[][]): Int32Array {
      const ids = new Int32Array(sessions.length * LONGEST);
      sessions.forEach((messages, row) => {
        const found = messages.map((message) => parser.match(maskLogVariables(message)) + 2);
        ids.set(found, (row + 1) * LONGEST - messages.length);
      });
      return ids;
    },
  };
}

/** A transformer over template ids with a classifier on its last place; a template that is new has one id. */
export async function trainTemplateTransformer(options: DetectorTraining): Promise<Detector> {
  const { width, layers, train, steps, learningRate, seed, signal, onStep } = options;
  const { vocabulary, encode } = templateIds(train);
  const { model, classifier, run, predict } = templateModel(width, layers, vocabulary);
  const root = random(seed).split("template transformer");
  const ids = encode(train.messages);
  const rows = batchesOf(options);
  const params = await run({
    params: { body: model.init(root.split("body")), classifier: classifier.init(root.split("classifier")) },
    stages: [{ parts: ["body", "classifier"], steps, learningRate }],
    batch: (i) => {
      const chosen = rows(i);
      return {
        ids: fromData(take(ids, chosen, LONGEST), [chosen.length, LONGEST]),
        labels: fromData(take(train.labels, chosen), [chosen.length]),
      };
    },
    signal,
    onStep,
  });
  return inRows(encode, LONGEST, async (tokens) =>
    Int32Array.from(values(await predict(params, fromData(tokens, [ROWS, LONGEST]))) as Int32Array),
  );
}

interface TemplateParts extends Record<string, unknown> {
  body: CausalLanguageModelParams;
  classifier: Dense;
}

const templateModel = remember((width: number, layers: number, vocabulary: number) => {
  const model = causalLanguageModel({ vocabulary, context: LONGEST, width, heads: 4, layers });
  const classifier = dense(width, 2);
  const logits = ({ body, classifier: c }: TemplateParts, ids: Tensor) => {
    const hidden = model.hidden(body, model.embed(body, ids));
    const last = reshape(slice(hidden, [null, [LONGEST - 1, LONGEST]]), [ids.shape[0]!, width]);
    return classifier.apply(c, last);
  };
  const loss = (parts: TemplateParts, { ids, labels }: { ids: Tensor; labels: Tensor }) =>
    softmaxCrossEntropy(logits(parts, ids), labels);
  const predict = compile((parts: TemplateParts, ids: Tensor) => argMax(logits(parts, ids)), { threads: 1 });
  return { model, classifier, predict, run: stagedTraining({ loss, decay: 0.9, compile: { threads: 1 } }) };
});

/** Logistic regression on how often each template, or each word, occurs in a session. */
export async function trainCounts(
  { train, C }: { train: Sessions; C: number },
  kind: "templates" | "words",
): Promise<Detector> {
  const templates = templateIds(train);
  const [columns, ids] =
    kind === "templates" ? [templates.vocabulary, templates.encode] : [VOCABULARY, messageTokens];
  const features = (sessions: readonly string[][]): Features => {
    const all = ids(sessions);
    const width = all.length / sessions.length;
    const counts = new Float64Array(sessions.length * columns);
    all.forEach((id, i) => {
      if (id !== PADDING) counts[Math.floor(i / width) * columns + id]!++;
    });
    return counts;
  };
  const anomalous = train.labels.reduce((total, label) => total + label, 0);
  // As much weight as oversampling to a share of 0.3 gives.
  const weight = Math.max(1, ((0.3 / 0.7) * (train.labels.length - anomalous)) / anomalous);
  const model = logisticRegression(features(train.messages), train.labels, {
    C,
    classes: 2,
    tolerance: 1e-3,
    sampleWeights: Float64Array.from(train.labels, (label) => (label ? weight : 1)),
  });
  return async (sessions) => {
    const scores = linearScores(model, features(sessions));
    return Int32Array.from(sessions, (_, i) => Number(scores[2 * i + 1]! > scores[2 * i]!));
  };
}

/** A detector that encodes all sessions, and judges ROWS of them at once. */
function inRows(
  encode: (sessions: readonly string[][]) => Int32Array,
  width: number,
  judge: (tokens: Int32Array) => Promise<Int32Array>,
): Detector {
  return async (sessions) => {
    const tokens = encode(sessions);
    const found = new Int32Array(sessions.length);
    for (let from = 0; from < sessions.length; from += ROWS) {
      const filled = new Int32Array(ROWS * width);
      filled.set(tokens.subarray(from * width, (from + ROWS) * width));
      found.set((await judge(filled)).subarray(0, sessions.length - from), from);
    }
    return found;
  };
}
