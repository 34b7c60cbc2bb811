import type { Card } from "../card.ts";

export const card: Card = {
  number: 103,
  slug: "ar2-adversarial-retriever-ranker",
  title: "Adversarial Retriever-Ranker for dense text retrieval",
  year: 2021,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2110.03611",
  link: "https://arxiv.org/abs/2110.03611",
  code: "https://github.com/microsoft/AR2",
  summary:
    "A retriever (dual encoder) and a ranker (cross-encoder) are trained in turns, each frozen while the other learns. The ranker learns to pick the gold document out of a list mined with the current retriever. The retriever is rewarded for putting probability on negatives that the ranker still prefers to the gold one, while a distillation term keeps its list distribution close to the ranker's; the index is rebuilt every round.",
  claim:
    "The retriever reaches higher MRR@10 and Recall@5 than the same dual encoder trained with a plain contrastive loss on hard negatives refreshed from its own index. The adversarial term is claimed to add to what distillation from the ranker gives alone.",
  formula: String.raw`L_\theta=\lambda\sum_i r_i\log p_\theta(i)-(1-\lambda)\sum_i p_\phi(i)\log p_\theta(i),\quad r_i=\log\sigma\big(s_\phi(q,d^+)-s_\phi(q,d_i)\big)`,
  exports: [
    "losses/retrieval: listDistillation",
    "losses/retrieval: adversarialRetrieverLoss",
    "retrieval: trainAr2",
    "negatives: IndexMiner",
    "retrieval: DualEncoder",
    "retrieval: CrossEncoder",
  ],
};
