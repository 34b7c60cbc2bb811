import type { Card } from "../card.ts";

export const card: Card = {
  number: 23,
  slug: "r2anker",
  title: "Towards Robust Ranker for Text Retrieval",
  year: 2022,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2206.08063",
  link: "https://arxiv.org/abs/2206.08063",
  summary:
    "A cross-encoder reranker is trained with a list loss on one positive and several hard negatives drawn jointly from the top lists of different retrievers, lexical and dense. A document that several retrievers return is proportionally more likely to be drawn. The resulting ranker can also be distilled into a bi-encoder.",
  claim:
    "Negatives sampled jointly from several retrievers train a better and more robust reranker than negatives of any single one, in MRR@10 and nDCG@10 when reranking BM25, dense and unseen retrievers. The argument is that another retriever's negatives act as out-of-distribution label noise, and that mixing them approximates the ranker's own hard negatives.",
  formula: String.raw`\mathcal L=-\log\frac{e^{h(q,d^+)}}{e^{h(q,d^+)}+\sum_{i=1}^ne^{h(q,d_i^-)}},\qquad d_i^-\sim\frac1M\sum_{j=1}^MP_j(d\mid q)`,
  exports: [
    "negatives: mixtureMiner",
    "losses/retrieval: listwiseCE",
    "diagnostics: negativeOverlap",
    "diagnostics: klToRanker",
  ],
};
