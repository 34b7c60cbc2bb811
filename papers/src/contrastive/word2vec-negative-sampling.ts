import { random } from "nearmiss/random";
import { vectors } from "nearmiss/retrieval";
import { type SkipGramObjective, trainSkipGram } from "nearmiss/text";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import { type WordTaskSize, wordQuality, wordTask } from "../tasks/word-vectors.ts";

export const card: Card = {
  number: 162,
  slug: "word2vec-negative-sampling",
  title: "Distributed Representations of Words and Phrases and their Compositionality",
  year: 2013,
  family: "contrastive",
  kind: "objective",
  arxiv: "1310.4546",
  link: "https://arxiv.org/abs/1310.4546",
  code: "https://code.google.com/archive/p/word2vec",
  summary:
    "Skip-gram word vectors are learned by telling a true context word from k words drawn from the unigram distribution raised to the power 3/4, with one sigmoid per pair. Occurrences of frequent words are dropped at random before windowing. Word pairs that co-occur far more often than their counts suggest are joined into phrase tokens over a few passes.",
  claim:
    "Negative sampling together with subsampling of frequent words trains faster than hierarchical softmax without subsampling and yields vectors that score higher on analogy and similarity tests. Phrase vectors can be learned in the same way. Adding word vectors gives meaningful compositions.",
  formula: String.raw`\log\sigma(v'_O\cdot v_I)+\sum_{i=1}^{k}\mathbb E_{w_i\sim P_n}\log\sigma(-v'_{w_i}\cdot v_I),\qquad P_n(w)\propto U(w)^{3/4}`,
  exports: [
    "losses/skip-gram: negativeSampling",
    "losses/skip-gram: noiseContrastiveEstimation",
    "losses/skip-gram: hierarchicalSoftmax",
    "negatives/unigram: unigramSampler",
    "negatives/unigram: unigramProbabilities",
    "negatives/unigram: subsampleKeepProbability",
    "text/skip-gram: trainSkipGram",
    "text/huffman: huffmanTree",
    "text/phrases: learnPhrases",
  ],
  notes: [
    "Speed is counted as inner products of two vectors (each with one update of both), not as seconds, so that a run repeats bit for bit and does not depend on what else the machine does.",
    "Subsampling keeps an occurrence with probability √(t/f) as in the paper; the released program keeps (√(f/t) + 1) t/f, which the library offers as a variant. The threshold is 1e-3 here, the program's default, as the corpus is small; the paper's 1e-5 is for billions of words.",
    "As in the released program, a drawn negative that equals the predicted word is skipped, windows are formed after words were left out, and phrase scores are multiplied by the number of tokens. Unlike it, the centre word's input vector predicts the context, as the paper writes it.",
    "Each arm has its own learning rate, chosen by the correlation with the taxonomy on a corpus of its own.",
    "Settings were changed once after a result: with one pass over 120,000 words, threshold 1e-4, vectors of length 48 and rates of at most 0.1, analogies stayed at chance level in all arms (mean reciprocal ranks of 0.002 to 0.008), that is, nothing had been learned. That run gave: similarity inconclusive, analogy and subsampling contradicted, work supported.",
    "Phrases and the addition of vectors are in the library but not part of the verdicts.",
  ],
};

const arms = {
  negativeSampling: "negative sampling, frequent words subsampled",
  negativeSamplingAll: "negative sampling, every occurrence",
  nce: "noise-contrastive estimation, frequent words subsampled",
  hierarchical: "hierarchical softmax, frequent words subsampled",
  hierarchicalAll: "hierarchical softmax, every occurrence",
};

const objectives: Record<string, SkipGramObjective> = {
  negativeSampling: "negativeSampling",
  negativeSamplingAll: "negativeSampling",
  nce: "noiseContrastiveEstimation",
  hierarchical: "hierarchicalSoftmax",
  hierarchicalAll: "hierarchicalSoftmax",
};

interface Settings extends WordTaskSize {
  width: number;
  window: number;
  negatives: number;
  threshold: number;
  epochs: number;
  learningRates: number[];
}

const settings = { minimumCount: 5, pairs: 4000, analogies: 150, window: 5, negatives: 5, threshold: 1e-3 };

const against = (metric: string, baseline: string, better: "higher" | "lower" = "higher") => ({
  metric,
  method: "negativeSampling",
  baseline,
  better,
});

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      tokens: 10_000,
      pairs: 200,
      analogies: 20,
      width: 16,
      epochs: 1,
      learningRates: [0.05],
      seeds: 2,
    },
    default: {
      ...settings,
      tokens: 100_000,
      width: 32,
      epochs: 2,
      learningRates: [0.1, 0.3],
      seeds: 5,
    },
    full: {
      ...settings,
      tokens: 1_500_000,
      width: 100,
      epochs: 3,
      learningRates: [0.025, 0.05, 0.1, 0.3],
      seeds: 5,
    },
  },
  metrics: {
    similarity:
      "Spearman's correlation of the cosine of two nouns with their Wu-Palmer similarity in WordNet",
    analogy:
      "mean reciprocal rank of the right word form (plural of a noun, adverb of an adjective) by vector offset; about 0.002 by chance",
    work: "binary logarithm of the number of inner products in training; 1 less is half the work",
  },
  curves: { "training loss": { x: "fraction of training", y: "loss of a pair, nats" } },
  claims: [
    {
      id: "similarity",
      statement:
        "Negative sampling with subsampling gives vectors closer to the taxonomy than hierarchical softmax without.",
      rule: "Supports if the paired 95 % interval of the difference in correlation lies above 0, contradicts if below, else inconclusive.",
      comparisons: [against("similarity", "hierarchicalAll")],
    },
    {
      id: "analogy",
      statement:
        "Negative sampling with subsampling solves analogies better than hierarchical softmax without.",
      rule: "As for similarity, with the mean reciprocal rank.",
      comparisons: [against("analogy", "hierarchicalAll")],
    },
    {
      id: "work",
      statement: "Negative sampling with subsampling takes less work than hierarchical softmax without.",
      rule: "Supports if the paired 95 % interval of the difference in the logarithm of the work lies below 0, contradicts if above, else inconclusive.",
      comparisons: [against("work", "hierarchicalAll", "lower")],
    },
    {
      id: "subsampling",
      statement: "Subsampling saves at least a third of the work and makes the vectors better, not worse.",
      rule: "Negative sampling with against without. Supports if the work falls by a factor of at least 1.5 and similarity and analogy both rise (95 % intervals), contradicts if one of the two falls, else inconclusive.",
      comparisons: ["similarity", "analogy"]
        .map((metric) => against(metric, "negativeSamplingAll"))
        .concat(against("work", "negativeSamplingAll", "lower")),
      decide: ([similarity, analogy, work]) => {
        if (similarity!.high < 0 || analogy!.high < 0) return "contradicts";
        const better = similarity!.low > 0 && analogy!.low > 0;
        return better && work!.low > Math.log2(1.5) ? "supports" : "inconclusive";
      },
    },
  ],
  distance:
    "The paper trains vectors of length 300 on a billion words of news and tests 19,544 analogies; here vectors of length 32 see 100,000 words of dictionary entries twice, and are tested on 300 analogies of word forms and 4,000 pairs of nouns.",
  async run({ arm, seed, settings, report, signal }) {
    const train = (from: number, learningRate: number, live: boolean) =>
      trained(arm, from, settings, learningRate, signal, (fraction, loss) => {
        if (!live) return;
        report.progress(fraction);
        report.point("training loss", fraction, loss);
      });
    const learningRate = await chooseOnce(
      ["word2vec", arm, settings],
      settings.learningRates,
      async (rate) => {
        const { similarity } = await train(TUNING_SEED, rate, false);
        return similarity;
      },
    );
    return train(seed, learningRate, true);
  },
});

async function trained(
  arm: string,
  seed: number,
  settings: Settings,
  learningRate: number,
  signal: AbortSignal,
  onProgress: (fraction: number, loss: number) => void,
) {
  const { tokens, minimumCount, pairs, analogies, width, window, negatives, epochs, threshold } = settings;
  const task = wordTask(seed, { tokens, minimumCount, pairs, analogies });
  const { input, products } = await trainSkipGram(task.sentences, {
    words: task.vocabulary.length,
    random: random(seed).split("skip-gram"),
    objective: objectives[arm],
    width,
    window,
    negatives,
    epochs,
    threshold: arm.endsWith("All") ? Infinity : threshold,
    learningRate,
    signal,
    onProgress,
  });
  return { ...wordQuality(task, vectors(input, width)), work: Math.log2(products) };
}
