import type { Card } from "../card.ts";

export const card: Card = {
  number: 26,
  slug: "simans",
  title: "SimANS: Simple Ambiguous Negatives Sampling for Dense Text Retrieval",
  year: 2022,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2210.11773",
  link: "https://arxiv.org/abs/2210.11773",
  code: "https://github.com/microsoft/SimXNS",
  summary:
    "Hard negatives are sampled from the current top-k candidates with a Gaussian kernel centred near the score of a labelled positive. The sharpness a and the offset b set how narrow the kernel is and on which side of the positive it sits. Very low scores are avoided as uninformative, and very high ones as probable false negatives.",
  claim:
    "Sampling negatives whose score lies near that of the positive trains dense retrievers with higher MRR@10 and recall@k than random negatives or uniform sampling from the top-k. Such ambiguous negatives are claimed to be informative and yet seldom false.",
  formula: String.raw`p_i\propto\exp\!\left(-a\left(s(q,d_i)-s(q,\tilde d^+)-b\right)^2\right)`,
  exports: [
    "negatives: simansWeights",
    "negatives: sampleWithoutReplacement",
    "data/latentRetrieval: latentIntentWorld",
  ],
};
