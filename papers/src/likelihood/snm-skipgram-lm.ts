import type { Card } from "../card.ts";

export const card: Card = {
  number: 145,
  slug: "snm-skipgram-lm",
  title: "Skip-gram Language Modeling Using Sparse Non-negative Matrix Probability Estimation",
  year: 2014,
  family: "likelihood",
  kind: "model",
  arxiv: "1412.1454",
  link: "https://arxiv.org/abs/1412.1454",
  summary:
    "The model scores the next word by summing adjusted relative frequencies over all sparse features active in the context, such as n-grams and skip-grams, and normalises the sum. A non-negative matrix holds the frequencies; its adjustments are hashed weights over metafeatures of feature, word and counts. They are trained with a Poisson loss on leave-one-out counts, at a cost that does not depend on vocabulary size.",
  claim:
    "With n-gram features alone the model comes close to the perplexity of interpolated Kneser-Ney. Skip-gram features lower the perplexity clearly, and mixing with a recurrent language model lowers it further.",
  formula: String.raw`P(j\mid h)=\frac{\sum_{i\in\mathrm{Pos}(h)}M_{ij}}{\sum_u\sum_{i\in\mathrm{Pos}(h)}M_{iu}},\qquad M_{ij}=e^{A(i,j)}\,\frac{C_{ij}}{C_{i*}}`,
  exports: ["SnmModel", "skipGramFeatures", "KneserNey", "interpolate"],
};
