/**
 * Words with a negative affix and words that merely look so, read by small transformers as a tokenizer cuts them. The
 * transformers first learn what words mean, by guessing the words of their definitions, and then to tell the two kinds
 * apart.
 */
import { compile, fromData, slice, type Tensor, values } from "nearmiss";
import { wordnet } from "nearmiss/data";
import { fit, trainingStep } from "nearmiss/fit";
import { type MaskedLanguageModelParams, maskedLanguageModel } from "nearmiss/language";
import { bceWithLogits } from "nearmiss/losses";
import {
  type AffixedWord,
  affixalPairs,
  type NegativeAffix,
  negativeAffixes,
  pseudoAffixWords,
  withoutAffix,
} from "nearmiss/negation";
import { dense } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { bpeTokenizer, trainBpe, words } from "nearmiss/text";
import { remember } from "../remember.ts";

/** Cuts a word into pieces. */
export type Cut = (word: string) => string[];

/** Byte-pair encoding learnt from every `every`th definition of WordNet; words are cut as within a sentence. */
export const bytePairs = remember((size: number, every: number): Cut => {
  const glosses = wordnet().synsets.filter((_, i) => i % every === 0);
  const tokenizer = bpeTokenizer(
    trainBpe(
      glosses.map(({ gloss }) => gloss),
      { size },
    ),
  );
  const decoder = new TextDecoder();
  return (word) =>
    Array.from(tokenizer.encode(` ${word}`), (token) => decoder.decode(tokenizer.bytes[token]).trim()).filter(
      (piece) => piece !== "",
    );
});

/** Splits off whatever looks like a negative affix, in "uncle" too, and leaves the rest to another tokenizer. */
export const splitting =
  (cut: Cut): Cut =>
  (word) => {
    const affix = negativeAffixes.find((each) => withoutAffix(word, each) !== undefined);
    if (!affix) return cut(word);
    const rest = cut(withoutAffix(word, affix)!);
    return affix === "less" ? [...rest, affix] : [affix, ...rest];
  };

export interface LabelledWord extends AffixedWord {
  isNegation: boolean;
}

/**
 * As many negations as look-alikes of each affix, at most `perAffix`. Words whose stems begin alike stand on one side of
 * the split: "unhappy" and "unhappiness".
 */
export const affixedWords = remember((perAffix: number, testShare: number, seed: number) => {
  const root = random(seed).split("affixed words");
  const of = (list: readonly AffixedWord[], affix: NegativeAffix) =>
    list.filter((each) => each.affix === affix);
  const all = negativeAffixes.flatMap((affix) => {
    const negations = of(affixalPairs(), affix);
    const others = of(pseudoAffixWords(), affix);
    const count = Math.min(perAffix, negations.length, others.length);
    const draw = (list: readonly AffixedWord[], isNegation: boolean): LabelledWord[] =>
      root
        .split(`${affix} ${isNegation}`)
        .shuffle(list)
        .slice(0, count)
        .map(({ word }) => ({ word, affix, isNegation }));
    return [...draw(negations, true), ...draw(others, false)];
  });
  const stemOf = ({ word, affix }: AffixedWord) => withoutAffix(word, affix)!.slice(0, 4);
  const stems = root.split("stems").shuffle([...new Set(all.map(stemOf))].sort());
  const tested = new Set(stems.slice(0, Math.round(testShare * stems.length)));
  return {
    train: all.filter((word) => !tested.has(stemOf(word))),
    test: all.filter((word) => tested.has(stemOf(word))),
  };
});

/** How many frequent words of definitions are guessed. */
const GUESSED = 200;

/** Which of the frequent words each word's definitions hold: 0 or 1. */
const meanings = remember((all: readonly string[]) => {
  const net = wordnet();
  const glosses = all.map(
    (word) =>
      new Set(
        words(
          net
            .senses(word)
            .map(({ gloss }) => gloss)
            .join(" "),
        ),
      ),
  );
  const counts = new Map<string, number>();
  for (const gloss of glosses) for (const word of gloss) counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, GUESSED)
    .map(([word]) => word);
  return glosses.map((gloss) => Float32Array.from(frequent, (word) => Number(gloss.has(word))));
}, 2);

/** Stands before each word; what the last layer has there is read. */
const BEGIN = 1;
const UNKNOWN = 2;

export interface WordReader {
  /** Tokens of words, int32 [n, context]. */
  encode(words: readonly string[]): Tensor;
  model: ReturnType<typeof maskedLanguageModel>;
}

interface ReaderWeights {
  body: MaskedLanguageModelParams;
  meaning: ReturnType<ReturnType<typeof dense>["init"]>;
  kind: ReturnType<ReturnType<typeof dense>["init"]>;
}

/** Knows the pieces of the given words. Longer words are cut off. */
export function wordReader(cut: Cut, known: readonly string[], width: number, layers: number): WordReader {
  const lists = known.map(cut);
  const numbers = new Map([...new Set(lists.flat())].sort().map((piece, i) => [piece, i + 3]));
  const context = 1 + lists.reduce((most, { length }) => Math.max(most, length), 0);
  return {
    encode(all) {
      const tokens = new Int32Array(all.length * context);
      all.forEach((word, row) => {
        const pieces = cut(word).slice(0, context - 1);
        tokens[row * context] = BEGIN;
        tokens.set(
          pieces.map((piece) => numbers.get(piece) ?? UNKNOWN),
          row * context + 1,
        );
      });
      return fromData(tokens, [all.length, context]);
    },
    model: maskedLanguageModel({ vocabulary: numbers.size + 3, context, width, heads: 4, layers }),
  };
}

const meaningHead = (reader: WordReader) => dense(reader.model.width, GUESSED);
const kindHead = (reader: WordReader) => dense(reader.model.width, 1);
const read = ({ model }: WordReader, weights: ReaderWeights, tokens: Tensor) =>
  slice(model.hidden(weights.body, tokens), [null, 0]);

export interface ReaderTraining {
  reader: WordReader;
  steps: number;
  batchSize: number;
  learningRate: number;
  /** Decides initial weights and batches. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** A reader that has learnt from definitions. */
export function learnMeanings(
  options: ReaderTraining & { words: readonly string[] },
): Promise<ReaderWeights> {
  const { reader, words: all, seed } = options;
  const root = random(seed).split("reader");
  const weights: ReaderWeights = {
    body: reader.model.init(root.split("body")),
    meaning: meaningHead(reader).init(root.split("meaning")),
    kind: kindHead(reader).init(root.split("kind")),
  };
  return train(options, weights, all, meanings(all), (params, { tokens, targets }) =>
    bceWithLogits(meaningHead(reader).apply(params.meaning, read(reader, params, tokens)), targets),
  );
}

/** Goes on to tell negations from look-alikes. */
export function learnNegations(
  options: ReaderTraining & { weights: ReaderWeights; words: readonly LabelledWord[] },
): Promise<ReaderWeights> {
  const { reader, words: all, weights } = options;
  const kinds = all.map(({ isNegation }) => [Number(isNegation)]);
  return train(
    options,
    weights,
    all.map(({ word }) => word),
    kinds,
    (params, { tokens, targets }) =>
      bceWithLogits(kindHead(reader).apply(params.kind, read(reader, params, tokens)), targets),
  );
}

interface ReaderBatch {
  tokens: Tensor;
  targets: Tensor;
}

async function train(
  { reader, steps, batchSize, learningRate, seed, signal, onStep }: ReaderTraining,
  weights: ReaderWeights,
  all: readonly string[],
  targets: readonly ArrayLike<number>[],
  loss: (params: ReaderWeights, batch: ReaderBatch) => Tensor,
): Promise<ReaderWeights> {
  const draw = random(seed).split("reader batches");
  const tokens = values(reader.encode(all));
  const context = tokens.length / all.length;
  const outputs = targets[0]!.length;
  const optimizer = adam({ learningRate });
  const { state } = await fit({
    state: optimizer.init(weights),
    step: trainingStep({ loss, optimizer, compile: { threads: 1 } }),
    batch: (i): ReaderBatch => {
      const step = draw.split(i);
      const batchTokens = new Int32Array(batchSize * context);
      const batchTargets = new Float32Array(batchSize * outputs);
      for (let row = 0; row < batchSize; row++) {
        const at = step.integer(0, all.length);
        batchTokens.set(tokens.subarray(at * context, (at + 1) * context) as Int32Array, row * context);
        batchTargets.set(targets[at]!, row * outputs);
      }
      return {
        tokens: fromData(batchTokens, [batchSize, context]),
        targets: fromData(batchTargets, [batchSize, outputs]),
      };
    },
    steps,
    signal,
    onStep: (i, value) => onStep?.(i, steps, value),
  });
  return state.params;
}

/** Whether each word is taken for a negation. */
export async function judgeWords(
  reader: WordReader,
  weights: ReaderWeights,
  all: readonly string[],
): Promise<boolean[]> {
  const run = compile(
    (params: ReaderWeights, tokens: Tensor) =>
      kindHead(reader).apply(params.kind, read(reader, params, tokens)),
    { threads: 1 },
  );
  const logits = values(await run(weights, reader.encode(all)));
  return all.map((_, i) => logits[i]! > 0);
}
