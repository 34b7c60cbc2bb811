import type { Card } from "../card.ts";

export const card: Card = {
  number: 114,
  slug: "dual-view-moco-hard-filtering",
  title: "Momentum Contrastive Learning with Enhanced Negative Sampling and Hard Negative Filtering",
  year: 2025,
  family: "contrastive",
  kind: "objective",
  arxiv: "2501.16360",
  link: "https://arxiv.org/abs/2501.16360",
  summary:
    "The method extends momentum contrast with a loss that has one term for the query and one for the key, so both views are contrasted. For each of the two vectors only the queue entries with the highest cosine similarity to it are kept as negatives, and the rest of the memory queue is dropped from the softmax.",
  claim:
    "A symmetric query-key loss with negatives limited to the hardest queue entries gives better downstream accuracy than MoCo with the full queue. It also reaches its accuracy with a smaller queue.",
  formula: String.raw`L=\ell(q,k;H(q))+\ell(k,q;H(k)),\quad \ell(q,k;H)=-\log\frac{e^{q\cdot k/\tau}}{e^{q\cdot k/\tau}+\sum_{n\in H}e^{q\cdot n/\tau}}`,
  exports: [
    "negatives: MomentumQueue",
    "negatives: topKBySimilarity",
    "losses/contrastive: dualViewInfoNCE",
    "nn: EmaEncoder",
  ],
};
