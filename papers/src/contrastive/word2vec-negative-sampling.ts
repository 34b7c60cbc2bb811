import type { Card } from "../card.ts";

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
    "negativeSampling",
    "nce",
    "hierarchicalSoftmax",
    "unigramSampler",
    "subsampleKeepProb",
    "learnPhrases",
    "SkipGram",
  ],
};
