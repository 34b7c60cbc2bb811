import type { Card } from "../card.ts";

export const card: Card = {
  number: 159,
  slug: "llave-hardness-weighted",
  title: "LLaVE: Large Language and Vision Embedding Models with Hardness-Weighted Contrastive Learning",
  year: 2025,
  family: "contrastive",
  kind: "objective",
  arxiv: "2503.04812",
  link: "https://arxiv.org/abs/2503.04812",
  code: "https://github.com/DeepLearnXMU/LLaVE",
  summary:
    "LLaVE trains a multimodal embedding model with a contrastive loss in which every in-batch negative is multiplied by the exponential of its own scaled similarity to the query. The weight is detached from the gradient, so in code it is a constant added to the off-diagonal logits before cross-entropy. Harder negatives thus receive a larger share of the gradient in both directions.",
  claim:
    "Weighting negatives by their detached, exponentiated similarity improves retrieval over plain InfoNCE. It also lowers the overlap between the similarity distributions of positive and negative pairs.",
  formula: String.raw`L_i=-\log\frac{e^{s_{ii}/\tau}}{e^{s_{ii}/\tau}+\sum_{j\ne i}e^{\alpha\,\operatorname{sg}(s_{ij})}\,e^{s_{ij}/\tau}}`,
  exports: ["hardnessWeightedInfoNCE", "infoNCE", "similarityOverlap"],
};
