import type { Card } from "../card.ts";

export const card: Card = {
  number: 79,
  slug: "g-nll",
  title: "Rethinking Uncertainty Estimation in Natural Language Generation",
  year: 2024,
  family: "likelihood",
  kind: "score",
  arxiv: "2412.15176",
  link: "https://arxiv.org/abs/2412.15176",
  summary:
    "Rates the uncertainty of a generated answer by the negative log-likelihood of its greedy sequence, with the end-of-sequence token and without length normalisation. The zero-one scoring rule motivates this: it leads to the improbability of the most likely sequence, of which the greedy value is an upper bound. A single decoding replaces many samples.",
  claim:
    "For spotting wrong answers, the likelihood of one greedy sequence attains an AUROC at least as high as predictive entropy, length-normalised entropy or semantic entropy estimated from many sampled sequences. The cost is about a tenth of theirs.",
  formula: String.raw`\text{G-NLL}=-\sum_{t=1}^{T}\log\max_{v}\,p(v\mid x,\hat y_{<t})`,
  exports: [
    "greedyNLL",
    "predictiveEntropyMC",
    "semanticEntropy",
    "sequenceLogProb",
    "auroc",
    "accuracyRejectionCurve",
  ],
};
