/** Relations between a noun and another one in its definition, after WordNet; and a network that predicts them. */
import { compile, fromData, relu, type Tensor, values } from "nearmiss";
import { take, wordnet } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { dense } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { hash32, words } from "nearmiss/text";
import { remember } from "../remember.ts";
import type { Examples } from "./classification.ts";

export const relations = [
  "none",
  "kind of",
  "instance of",
  "part of",
  "member of",
  "topic",
  "has part",
] as const;

/** Of 1,000 instances, how many there are of each relation. */
const shares = [600, 160, 80, 60, 40, 40, 20];

const classOf: Record<string, number> = {
  hypernym: 1,
  "instance hypernym": 2,
  "part holonym": 3,
  "member holonym": 4,
  topic: 5,
  "part meronym": 6,
  "member meronym": 6,
  "substance meronym": 6,
};

interface Instance {
  head: string;
  tokens: string[];
  /** Place of the other noun among the tokens. */
  tail: number;
}

const INPUTS = 512;
const HIDDEN = 64;

/** Instances of each relation, one of a definition at most. Every other noun is read, which is enough. */
const pool = remember((): Instance[][] => {
  const nouns = wordnet(["noun"]);
  const found: Instance[][] = relations.map(() => []);
  for (let i = 0; i < nouns.synsets.length; i += 2) {
    const synset = nouns.synsets[i]!;
    const related = new Map<string, number>();
    const add = (id: string, label: number) => {
      for (const word of nouns.get(id)?.words ?? []) {
        const key = word.toLowerCase();
        if (!related.has(key)) related.set(key, label);
      }
    };
    for (const { relation, target } of synset.pointers) {
      const label = classOf[relation];
      // Relations that are not asked for are no negatives, either.
      add(target, label ?? -1);
    }
    // Kinds of kinds are kinds, up to three steps.
    let level = synset.hypernyms;
    for (let step = 2; step <= 3; step++) {
      level = level.flatMap((id) => nouns.get(id)?.hypernyms ?? []);
      for (const id of level) add(id, 1);
    }
    const head = synset.words[0]!;
    const own = new Set(synset.words.flatMap(words));
    const tokens = words(synset.gloss);
    const nounAt = (word: string) => word.length > 3 && !own.has(word) && nouns.senses(word).length > 0;
    const places = tokens.flatMap((word, tail) => {
      const label = related.get(word) ?? (nounAt(word) ? 0 : -1);
      return label >= 0 && !own.has(word) ? [{ tail, label }] : [];
    });
    if (places.length === 0) continue;
    // The rarest relation there is; every other definition gives a noun without relation, if it has one.
    const wanted = i % 4 === 0 ? 0 : Math.max(...places.map(({ label }) => label));
    const candidates = places.filter(({ label }) => label === wanted);
    if (candidates.length === 0) continue;
    const { tail } = candidates[hash32(synset.id) % candidates.length]!;
    found[wanted]!.push({ head, tokens, tail });
  }
  return found;
});

/** Words around the other noun and in the definition, the two nouns, their endings and distance, hashed. */
function features({ head, tokens, tail }: Instance): Float32Array {
  const x = new Float32Array(INPUTS);
  const set = (feature: string, value = 1) => {
    x[hash32(feature) % INPUTS]! += value;
  };
  const noun = tokens[tail]!;
  for (const token of tokens) set(`word ${token}`, 0.3);
  for (let shift = -3; shift <= 2; shift++)
    if (shift !== 0) set(`at ${shift} ${tokens[tail + shift] ?? "edge"}`);
  set(`tail ${noun}`);
  set(`tail end ${noun.slice(-3)}`);
  set(`head end ${head.slice(-3)}`);
  set(`head ${head[0] === head[0]!.toLowerCase() ? "small" : "capital"} ${head.split(" ").length}`);
  set(`place ${Math.min(tail, 8)}`);
  return x;
}

export interface GlossRelations {
  /** With labels as they are observed. */
  train: Examples;
  /** The training labels as they should be. */
  clean: Int32Array;
  /** Observed with the same noise. */
  validation: Examples;
  /** A few other instances that somebody checked. */
  checked: Examples;
  test: Examples;
}

export interface RelationSize {
  train: number;
  validation: number;
  checked: number;
  test: number;
  /** Fraction of "kind of" whose label is lost; of the rarer relations twice as many are. */
  loss: number;
  seed: number;
}

export const glossRelations = remember((size: RelationSize): GlossRelations => {
  const stream = random(size.seed).split("relations");
  const parts = { train: size.train, validation: size.validation, checked: size.checked, test: size.test };
  const drawn: Record<string, { instance: Instance; label: number }[]> = {};
  for (const part of Object.keys(parts)) drawn[part] = [];
  for (const [label, instances] of pool().entries()) {
    const counts = Object.values(parts).map((count) => Math.round((count * shares[label]!) / 1000));
    const order = stream.split(label).sample(
      instances.length,
      counts.reduce((a, b) => a + b),
    );
    let at = 0;
    for (const [i, part] of Object.keys(parts).entries())
      for (const end = at + counts[i]!; at < end; at++)
        drawn[part]!.push({ instance: instances[order[at]!]!, label });
  }
  const examples = (part: string): Examples => {
    const rows = drawn[part]!;
    const x = new Float32Array(rows.length * INPUTS);
    for (const [i, { instance }] of rows.entries()) x.set(features(instance), i * INPUTS);
    return { x, labels: Int32Array.from(rows, ({ label }) => label) };
  };
  const lose = (labels: Int32Array, name: string) => {
    const draw = stream.split(name);
    return labels.map((label) => {
      const rate = label === 0 ? 0 : label === 1 ? size.loss : 2 * size.loss;
      return draw.next() < rate ? 0 : label;
    });
  };
  const [train, validation] = [examples("train"), examples("validation")];
  return {
    train: { x: train.x, labels: lose(train.labels, "train") },
    clean: train.labels,
    validation: { x: validation.x, labels: lose(validation.labels, "validation") },
    checked: examples("checked"),
    test: examples("test"),
  };
});

export interface RelationOptions {
  train: Examples;
  learningRate: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** What the network makes of rows: logits [n, 7] and, before them, representations [n, 64]. */
export type RelationModel = (
  x: Float32Array,
) => Promise<{ logits: Float32Array; representations: Float32Array }>;

/** Trains a network of one hidden layer. */
export async function trainRelations(options: RelationOptions): Promise<RelationModel> {
  const { train, learningRate, epochs, batchSize, seed, signal, onStep } = options;
  const [body, head] = [dense(INPUTS, HIDDEN), dense(HIDDEN, relations.length)];
  const root = random(seed);
  const start = { body: body.init(root.split("body")), head: head.init(root.split("head")) };
  type Params = typeof start;
  const apply = (params: Params, x: Tensor) => {
    const representations = body.apply(params.body, x);
    return { representations, logits: head.apply(params.head, relu(representations)) };
  };
  const optimizer = adam({ learningRate });
  const order = inEpochs({
    count: train.labels.length,
    size: batchSize,
    random: root.split("batches"),
    epochs,
  });
  const {
    state: { params },
  } = await fit({
    state: optimizer.init(start),
    step: trainingStep({
      loss: (p: Params, batch: { x: Tensor; labels: Tensor }) =>
        softmaxCrossEntropy(apply(p, batch.x).logits, batch.labels),
      optimizer,
      compile: { threads: 1 },
    }),
    steps: order.steps,
    batch: (i) => ({
      x: fromData(take(train.x, order.indices(i), INPUTS), [batchSize, INPUTS]),
      labels: fromData(take(train.labels, order.indices(i)), [batchSize]),
    }),
    signal,
    onStep: (i, value) => onStep?.(i, order.steps, value),
  });
  const run = compile(apply, { threads: 1 });
  return async (x) => {
    const { logits, representations } = await run(params, fromData(x, [x.length / INPUTS, INPUTS]));
    return {
      logits: values(logits) as Float32Array,
      representations: values(representations) as Float32Array,
    };
  };
}

/** Rows of examples, with labels of their own if given. */
export const selectRows = ({ x, labels }: Examples, rows: ArrayLike<number>): Examples => ({
  x: take(x, rows, INPUTS),
  labels: take(labels, rows),
});
