import type { Card } from "../card.ts";

export const card: Card = {
  number: 125,
  slug: "masked-lm-scoring",
  title: "Masked Language Model Scoring",
  year: 2019,
  family: "likelihood",
  kind: "score",
  arxiv: "1910.14659",
  link: "https://arxiv.org/abs/1910.14659",
  code: "https://github.com/awslabs/mlm-scoring",
  summary:
    "A sentence is scored with a masked language model by masking one token at a time and summing the log-probabilities of the true tokens, which gives a pseudo-log-likelihood. The score rescores n-best lists of speech recognition or translation with a weight λ, and it compares minimal pairs directly. A student network can be tuned to regress the score in one pass without masks.",
  claim:
    "Pseudo-log-likelihood rescoring lowers word error rate more than the left-to-right score of a comparable causal model. The same score also picks the acceptable sentence of a minimal pair more often than causal log-probability.",
  formula: String.raw`\mathrm{PLL}(W)=\sum_{t=1}^{|W|}\log P_{MLM}\big(w_t\mid W_{\setminus t}\big),\qquad \mathrm{PPPL}=\exp\Big(-\frac1N\sum_{W}\mathrm{PLL}(W)\Big)`,
  exports: [
    "likelihood: pseudoLogLikelihood",
    "likelihood: pseudoPerplexity",
    "likelihood: sequenceLogProb",
    "likelihood: rescore",
    "likelihood: MasklessScorer",
    "metrics: wordErrorRate",
    "metrics: minimalPairAccuracy",
  ],
};
