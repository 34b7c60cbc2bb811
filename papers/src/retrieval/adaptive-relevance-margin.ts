import type { Card } from "../card.ts";

export const card: Card = {
  number: 73,
  slug: "adaptive-relevance-margin",
  title:
    "Learning Effective Representations for Retrieval Using Self-Distillation with Adaptive Relevance Margins",
  year: 2024,
  family: "retrieval",
  kind: "objective",
  arxiv: "2407.21515",
  link: "https://arxiv.org/abs/2407.21515",
  code: "https://github.com/webis-de/adaptive-relevance-margin-loss",
  summary:
    "Trains a bi-encoder so that a query's similarity gap between positive and negative document meets a target set by the encoder itself: half the cosine similarity of the two documents plus one half. The distributed variant compares every positive with every negative of the batch. Neither a teacher nor a margin constant nor special batch sampling is required.",
  claim:
    "Self-distillation with adaptive margins reaches the retrieval effectiveness (nDCG@10) of Margin-MSE distillation from a teacher while using only a fraction of the training data. Static margins and InfoNCE with in-batch negatives are the other baselines.",
  formula: String.raw`L=\frac1{B^2}\sum_{i,j}(m_j-t_{ij})^2,\quad m_j=s(q_j,d_j^+)-s(q_j,d_j^-),\quad t_{ij}=\tfrac12s(d_i^+,d_j^-)+\tfrac12`,
  exports: ["marginLoss", "marginMSE"],
};
