import type { Card } from "../card.ts";

export const card: Card = {
  number: 139,
  slug: "neglabel",
  title: "Negative Label Guided OOD Detection with Pretrained Vision-Language Models",
  year: 2024,
  family: "uncertainty",
  kind: "score",
  arxiv: "2403.20078",
  link: "https://arxiv.org/abs/2403.20078",
  code: "https://github.com/tmlr-group/NegLabel",
  summary:
    "The detector extends the label set of a pretrained image-text model with thousands of negative labels: words (nouns and adjectives) from a lexical database that lie farthest, by a high quantile of cosine, from all in-distribution labels. The score of an input is the share of softmax mass that falls on the in-distribution labels. Splitting the negatives into groups and averaging the group scores reduces variance.",
  claim:
    "Scoring with mined negative labels gives higher AUROC and lower FPR95 than the maximum softmax over in-distribution labels alone, with no training. More negative labels help as long as out-of-distribution inputs match them more often than in-distribution inputs do.",
  formula: String.raw`S(h)=\frac{\sum_{k=1}^{K}e^{\cos(h,e_k)/\tau}}{\sum_{k=1}^{K}e^{\cos(h,e_k)/\tau}+\sum_{m=1}^{M}e^{\cos(h,\tilde e_m)/\tau}}`,
  exports: ["negLabelScore", "mcmScore", "energyScore", "mineNegativeLabels", "negLabelFpr"],
};
