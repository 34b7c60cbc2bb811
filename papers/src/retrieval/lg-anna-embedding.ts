import type { Card } from "../card.ts";

export const card: Card = {
  number: 75,
  slug: "lg-anna-embedding",
  title: "LG-ANNA-Embedding technical report",
  year: 2025,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2506.07438",
  link: "https://arxiv.org/abs/2506.07438",
  summary:
    "General text embedder built on a causal language model and trained with InfoNCE, guided by a teacher that retrieves and reranks. The teacher's continuous scores act as soft labels and also filter mined negatives: a candidate stays only if it scores at most 95% of the positive's score. Queries carry a task instruction and, optionally, a few examples.",
  claim:
    "Three additions each improve on InfoNCE trained with one-hot labels and unfiltered top-k negatives: soft labels from the teacher, a margin filter that compares each negative with the positive's score, and instruction conditioning. In combination they are reported to reach the top of MTEB v2.",
  formula: String.raw`L=(1-\lambda)L_h+\lambda\,\mathrm{KL}\big(p^T\|p^S\big),\quad L_h=-\log\frac{e^{s(q,d^+)/\tau}}{\sum_de^{s(q,d)/\tau}}`,
  exports: ["positiveAwareMiner", "reciprocalRankFusion", "bm25", "listwiseKL", "instruct", "infoNCE"],
};
