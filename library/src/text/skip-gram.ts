/**
 * Word vectors by skip-gram, in plain arrays: each pair of words updates a handful of rows at once, which is
 * too little work for a graph. The same objectives as functions of tensors are in losses/skip-gram.ts.
 */
import { subsampleKeepProbability, unigramProbabilities } from "../negatives/unigram.ts";
import { aliasTable, type Random } from "../random.ts";
import { huffmanTree } from "./huffman.ts";

export type SkipGramObjective = "negativeSampling" | "noiseContrastiveEstimation" | "hierarchicalSoftmax";

export interface SkipGramOptions {
  /** Number of words; sentences hold numbers below it. */
  words: number;
  random: Random;
  /** Default: "negativeSampling". */
  objective?: SkipGramObjective;
  /** Length of the vectors. Default: 100. */
  width?: number;
  /** Largest distance of a context word; each centre draws its own from 1 to it. Default: 5. */
  window?: number;
  /** k, not for hierarchical softmax. A draw that hits the predicted word is skipped. Default: 5. */
  negatives?: number;
  /** Power of the counts in the noise distribution. Default: 0.75. */
  power?: number;
  /** t of `subsampleKeepProbability`; Infinity keeps every occurrence. Default: 1e-3. */
  threshold?: number;
  /** Falls linearly to 1e-4 of itself. Default: 0.025. */
  learningRate?: number;
  /** Passes over the sentences. Default: 1. */
  epochs?: number;
  signal?: AbortSignal;
  /** Called after each hundredth or so: fraction done, mean loss of a pair since the last call, in nats. */
  onProgress?: (fraction: number, loss: number) => void | Promise<void>;
}

export interface SkipGram {
  /** Input vectors, the words' vectors, [words, width]. */
  input: Float32Array;
  /** Output vectors, [words, width], or of the tree's inner nodes, [words − 1, width]. */
  output: Float32Array;
  width: number;
  /** Inner products of two vectors that training took, with one update of each: its work. */
  products: number;
}

/**
 * Trains word vectors by stochastic gradient descent, pair by pair, in the order of the sentences.
 *
 * Source: Mikolov et al. (2013). As in the authors' program: input vectors start uniform within ±0.5 / width,
 * output vectors at 0; frequent words are left out before windows are formed; windows do not cross sentences.
 *
 * @param sentences Numbers of words.
 */
export async function trainSkipGram(
  sentences: readonly Int32Array[],
  options: SkipGramOptions,
): Promise<SkipGram> {
  const { words, random, objective = "negativeSampling", width = 100, window = 5 } = options;
  const { threshold = 1e-3, learningRate = 0.025, epochs = 1, signal, onProgress } = options;
  for (const [name, value] of Object.entries({ words, width, window, epochs }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new RangeError(`trainSkipGram: ${name} is ${value}; expected a whole number of at least 1`);
  const counts = countWords(sentences, words);
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  const keep = counts.map((count) =>
    count === 0 || threshold === Infinity ? 1 : subsampleKeepProbability(count / tokens, { threshold }),
  );
  const input = random.split("input").uniform(words * width, -0.5 / width, 0.5 / width);
  const output = new Float32Array(words * width);
  const predict = predictor(objective, counts, options);
  const step = { gradient: new Float64Array(width), loss: 0, products: 0 };
  const reportEvery = Math.max(1, Math.floor((epochs * sentences.length) / 100));
  let seen = 0;
  let pairs = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const draw = random.split("epoch").split(epoch);
    for (const [at, sentence] of sentences.entries()) {
      const kept = threshold === Infinity ? sentence : sentence.filter((word) => draw.next() < keep[word]!);
      const rate = learningRate * Math.max(1e-4, 1 - seen / (epochs * tokens));
      seen += sentence.length;
      for (let i = 0; i < kept.length; i++) {
        const reach = draw.integer(1, window + 1);
        const last = Math.min(kept.length - 1, i + reach);
        for (let j = Math.max(0, i - reach); j <= last; j++) {
          if (j === i) continue;
          const { targets, labels, offsets, count } = predict(kept[j]!, draw);
          skipGramStep(input, kept[i]!, output, targets, labels, offsets, count, rate, step);
          pairs++;
        }
      }
      const done = epoch * sentences.length + at + 1;
      if (done % reportEvery === 0) {
        signal?.throwIfAborted();
        await onProgress?.(done / (epochs * sentences.length), pairs > 0 ? step.loss / pairs : 0);
        step.loss = 0;
        pairs = 0;
      }
    }
  }
  const rows = objective === "hierarchicalSoftmax" ? words - 1 : words;
  return { input, output: output.slice(0, rows * width), width, products: step.products };
}

/** What a context word asks of its centre: rows of the output table, each with label 1 or 0. */
interface Targets {
  targets: Int32Array;
  labels: Float32Array;
  /** Subtracted from the scores. */
  offsets: Float32Array;
  count: number;
}

function predictor(
  objective: SkipGramObjective,
  counts: Float64Array,
  { negatives = 5, power = 0.75 }: SkipGramOptions,
): (word: number, draw: Random) => Targets {
  if (objective === "hierarchicalSoftmax") {
    const { paths, signs } = huffmanTree(counts);
    const ready = paths.map((targets, word) => ({
      targets,
      labels: Float32Array.from(signs[word]!, (sign) => (sign + 1) / 2),
      offsets: new Float32Array(targets.length),
      count: targets.length,
    }));
    return (word) => ready[word]!;
  }
  if (objective !== "negativeSampling" && objective !== "noiseContrastiveEstimation")
    throw new RangeError(
      `trainSkipGram: objective is ${JSON.stringify(objective)}; expected "negativeSampling", "noiseContrastiveEstimation" or "hierarchicalSoftmax"`,
    );
  if (!(Number.isSafeInteger(negatives) && negatives >= 1))
    throw new RangeError(`trainSkipGram: negatives is ${negatives}; expected a whole number of at least 1`);
  const probabilities = unigramProbabilities(counts, { power });
  const noise = aliasTable(probabilities);
  const logNoise =
    objective === "negativeSampling" ? undefined : probabilities.map((p) => Math.log(negatives * p));
  // One set of arrays for all pairs: this runs a million times a second.
  const all: Targets = {
    targets: new Int32Array(negatives + 1),
    labels: new Float32Array(negatives + 1),
    offsets: new Float32Array(negatives + 1),
    count: 0,
  };
  all.labels[0] = 1;
  return (word, draw) => {
    all.targets[0] = word;
    all.count = 1;
    for (let i = 0; i < negatives; i++) {
      const drawn = noise.draw(draw);
      if (drawn !== word) all.targets[all.count++] = drawn;
    }
    if (logNoise) for (let i = 0; i < all.count; i++) all.offsets[i] = logNoise[all.targets[i]!]!;
    return all;
  };
}

/**
 * One step of gradient descent on Σ_i −log σ(±(v'_i · v − offset_i)), + for label 1, in place. As in the
 * authors' program, output rows move one after the other and the input row after all of them.
 *
 * @param input Input vectors, of which row `center` moves.
 * @param output Output vectors, of which the first `count` rows of `targets` move.
 * @param step Scratch space as long as a vector; loss and number of products are added up.
 */
export function skipGramStep(
  input: Float32Array,
  center: number,
  output: Float32Array,
  targets: Int32Array,
  labels: Float32Array,
  offsets: Float32Array,
  count: number,
  rate: number,
  step: { gradient: Float64Array; loss: number; products: number },
): void {
  const { gradient } = step;
  const width = gradient.length;
  const from = center * width;
  gradient.fill(0);
  for (let i = 0; i < count; i++) {
    const row = targets[i]! * width;
    let score = -offsets[i]!;
    for (let k = 0; k < width; k++) score += input[from + k]! * output[row + k]!;
    const label = labels[i]!;
    step.loss += softplus(label > 0 ? -score : score);
    const error = rate * (label - 1 / (1 + Math.exp(-score)));
    for (let k = 0; k < width; k++) {
      gradient[k]! += error * output[row + k]!;
      output[row + k]! += error * input[from + k]!;
    }
  }
  for (let k = 0; k < width; k++) input[from + k]! += gradient[k]!;
  step.products += count;
}

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

function countWords(sentences: readonly Int32Array[], words: number): Float64Array {
  const counts = new Float64Array(words);
  for (const sentence of sentences)
    for (const word of sentence) {
      if (!(word >= 0 && word < words))
        throw new RangeError(`trainSkipGram: a sentence holds word ${word}; expected 0 to ${words - 1}`);
      counts[word]!++;
    }
  return counts;
}
