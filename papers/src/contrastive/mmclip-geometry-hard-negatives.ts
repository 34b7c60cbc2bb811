import type { Card } from "../card.ts";

export const card: Card = {
  number: 126,
  slug: "mmclip-geometry-hard-negatives",
  title:
    "Hard Negative Contrastive Learning for Fine-Grained Geometric Understanding in Large Multimodal Models",
  year: 2025,
  family: "contrastive",
  kind: "objective",
  arxiv: "2505.20152",
  link: "https://arxiv.org/abs/2505.20152",
  code: "https://github.com/THU-KEG/MMGeoLM",
  summary:
    "Negatives are built separately for every geometry diagram and caption: diagrams redrawn from perturbed code, captions altered by rules on names, shapes, relations or numbers, and captions retrieved for high similarity. The softmax of a pair contains only its own positive and its own negatives, on the text side and on the image side. No other batch item takes part.",
  claim:
    "Contrastive training with sample-specific hard negatives separates geometric details better than CLIP training with in-batch negatives, and the resulting encoder helps a multimodal model answer geometry questions. Per sample, image negatives made from code bring the most.",
  formula: String.raw`L=-\log\frac{e^{s(I,T^+)}}{e^{s(I,T^+)}+\sum_{i=1}^{N}e^{s(I,T_i^-)}}-\log\frac{e^{s(I^+,T)}}{e^{s(I^+,T)}+\sum_{i=1}^{M}e^{s(I_i^-,T)}}`,
  exports: [
    "losses/contrastive: ownNegatives",
    "data: geometryDiagrams",
    "data: perturbDiagram",
    "data: perturbCaption",
    "negatives: retrieveSimilarCaptions",
  ],
};
