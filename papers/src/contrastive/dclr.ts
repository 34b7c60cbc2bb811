import type { Card } from "../card.ts";

export const card: Card = {
  number: 49,
  slug: "dclr",
  title: "Debiased Contrastive Learning of Unsupervised Sentence Representations",
  year: 2022,
  family: "contrastive",
  kind: "objective",
  arxiv: "2205.00656",
  link: "https://arxiv.org/abs/2205.00656",
  code: "https://github.com/RUCAIBox/DCLR",
  summary:
    "Sentence embeddings are trained from dropout pairs as in SimCSE with two changes to the negatives. In-batch negatives that a frozen second encoder finds too similar to the anchor get weight zero. Gaussian noise vectors, refined for a few gradient steps to raise the loss, join the denominator as extra negatives.",
  claim:
    "Masking suspected false negatives and adding refined noise negatives gives a higher Spearman correlation on sentence similarity than unsupervised SimCSE. The gain is attributed mainly to better uniformity of the embedding space.",
  formula: String.raw`\mathcal L_i=-\log\frac{e^{s(h_i,h_i^+)}}{\sum_j\alpha_{ij}e^{s(h_i,h_j^+)}+\sum_{\hat h}e^{s(h_i,\hat h)}},\qquad \alpha_{ij}=\mathbb 1\!\left[j=i\;\text{or}\;\cos_C(i,j)<\varphi\right]`,
  exports: [
    "losses/contrastive:infoNCE",
    "negatives/noise:adversarialNoiseNegatives",
    "negatives/filter:complementaryMask",
    "metrics/contrastive:alignment",
    "metrics/contrastive:uniformity",
  ],
};
