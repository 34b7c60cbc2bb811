import type { Card } from "../card.ts";

export const card: Card = {
  number: 78,
  slug: "ance",
  title: "Approximate Nearest Neighbor Negative Contrastive Learning for Dense Text Retrieval",
  year: 2020,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2007.00808",
  link: "https://arxiv.org/abs/2007.00808",
  code: "https://github.com/microsoft/ANCE",
  summary:
    "Takes negatives for dense retrieval from the entire corpus, namely the nearest neighbours under the current model. During training the documents are re-encoded at intervals and the index is rebuilt; each query then samples negatives from its current top 200, with known positives left out. Training warms up on BM25 negatives and uses a pairwise logistic loss.",
  claim:
    "Random and in-batch negatives soon carry almost no gradient, whereas negatives from a refreshed corpus-wide index stay informative and match what the model meets at test time. Training on them yields higher MRR@10 and recall than random, in-batch, static BM25 or hardest-in-batch negatives.",
  formula: String.raw`\ell=-\log\frac{e^{s(q,d^+)}}{e^{s(q,d^+)}+e^{s(q,d^-)}},\quad d^-\sim\operatorname{Unif}\big(\operatorname{ANN}_{200}(q)\setminus D^+\big)`,
  exports: ["AnnRefreshSampler", "pairwiseNLL", "flatIP", "perNegativeGradNorm"],
};
