import type { Card } from "../card.ts";

export const card: Card = {
  number: 179,
  slug: "splade-plus-plus",
  title: "From Distillation to Hard Negative Sampling: Making Sparse Neural IR Models More Effective",
  year: 2022,
  family: "retrieval",
  kind: "model",
  arxiv: "2205.04733",
  link: "https://arxiv.org/abs/2205.04733",
  code: "https://github.com/naver/splade",
  summary:
    "SPLADE++ represents a query or document by a sparse vector of vocabulary weights: a log-saturated ReLU of masked-LM logits, max-pooled over positions, with a FLOPS penalty that controls sparsity. It is trained with the tools of dense retrieval: margin distillation from a cross-encoder, negatives mined by the model itself or by an ensemble of retrievers, and an encoder pre-trained for retrieval.",
  claim:
    "Cross-encoder distillation, self-mined or mixed hard negatives and a better initial encoder each make a sparse expansion retriever more effective than SPLADE trained on BM25 negatives without a teacher. The gains add up. The cost per query stays controllable.",
  formula: String.raw`r_j=\max_{i\in x}\log\big(1+\operatorname{ReLU}(w_{ij})\big),\qquad \mathcal L_{\text{MarginMSE}}=\big((s^+-s^-)-(t^+-t^-)\big)^2`,
  exports: [
    "retrieval/splade: spladePool",
    "retrieval/splade: flopsLoss",
    "retrieval/splade: lambdaSchedule",
    "retrieval/splade: flopsMetric",
    "retrieval/splade: InvertedIndex",
    "losses/distillation: marginMSE",
  ],
};
