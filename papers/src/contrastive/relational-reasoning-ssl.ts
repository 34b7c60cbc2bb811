import type { Card } from "../card.ts";

export const card: Card = {
  number: 93,
  slug: "relational-reasoning-ssl",
  title: "Self-Supervised Relational Reasoning for Representation Learning",
  year: 2020,
  family: "contrastive",
  kind: "objective",
  arxiv: "2006.05849",
  link: "https://arxiv.org/abs/2006.05849",
  code: "https://github.com/mpatacchiola/self-supervised-relational-reasoning",
  summary:
    "Augments every image of a batch K times and trains a small relation head to tell whether two concatenated feature vectors come from the same image. Equally many negatives are made by rolling the batch, and the loss is a focal binary cross-entropy instead of a contrastive softmax. The head is discarded afterwards; backbone passes grow only linearly with the batch size.",
  claim:
    "Self-supervised relational reasoning judges pairs with a Bernoulli likelihood, plain or focal, in place of a contrastive softmax. At equal epochs its frozen features give higher linear-probe accuracy than those of SimCLR, rotation prediction and other pretext tasks.",
  formula: String.raw`L=\operatorname{mean}\big[-\alpha(1-p_t)^{\gamma}\log p_t\big],\quad p_t=\begin{cases}\sigma\big(r[z_i^{(k)},z_j^{(k')}]\big)&i=j\\1-\sigma\big(r[z_i^{(k)},z_j^{(k')}]\big)&i\ne j\end{cases}`,
  exports: ["relationPairs", "relationLoss", "sigmoidFocal", "relationHead"],
};
