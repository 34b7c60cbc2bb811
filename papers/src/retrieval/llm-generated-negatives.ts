import type { Card } from "../card.ts";

export const card: Card = {
  number: 14,
  slug: "llm-generated-negatives",
  title: "Don't Retrieve, Generate: Prompting LLMs for Synthetic Training Data in Dense Retrieval",
  year: 2025,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2504.21015",
  link: "https://arxiv.org/abs/2504.21015",
  summary:
    "A language model first writes a query for a passage and then, seeing only that query, writes an on-topic passage that leaves the query unanswered. The text serves as the single hard negative in a contrastive loss with in-batch negatives. No index, lexical search or cross-encoder over the corpus is needed to obtain it.",
  claim:
    "As first posted, the paper claims that fine-tuning a retriever with hard negatives generated from the query alone matches BM25 and cross-encoder mining. Equality is asserted for nDCG@10, P@10 and Recall@100. A later revision, in which the generator also sees the positive passage, reports that generated negatives do worse than both.",
  formula: String.raw`\mathcal L_i=-\log\frac{e^{s(q_i,d_i^+)/\tau}}{\sum_je^{s(q_i,d_j^+)/\tau}+e^{s(q_i,d_i^-)/\tau}},\qquad d_i^-\sim G(\cdot\mid q_i)`,
  exports: [
    "negatives/generate: corpusFreeNegative",
    "negatives/generate: styleProbe",
    "metrics: ndcg",
    "metrics: precisionAtK",
    "metrics: recallAtK",
    "metrics/stats: tost",
  ],
};
