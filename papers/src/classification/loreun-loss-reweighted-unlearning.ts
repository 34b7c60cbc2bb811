import type { Card } from "../card.ts";

export const card: Card = {
  number: 136,
  slug: "loreun-loss-reweighted-unlearning",
  title: "LoReUn: Data Itself Implicitly Provides Cues to Improve Machine Unlearning",
  year: 2025,
  family: "classification",
  kind: "objective",
  arxiv: "2507.22499",
  link: "https://arxiv.org/abs/2507.22499",
  summary:
    "Forget samples on which the model still has low loss are treated as hard to unlearn, and each gets a weight that decreases exponentially with its loss. The weights enter only the forget term of an existing unlearning objective such as gradient ascent, random labelling or SalUn. They are computed once from the original model or refreshed from the current one in the same forward pass.",
  claim:
    "Weighting forget samples by loss brings approximate unlearning nearer to a model retrained without them than the same method with uniform weights. The effect holds in image classification and in diffusion models and costs next to nothing.",
  formula: String.raw`L=L_{retain}(D_r)+\alpha\,\frac1{|B|}\sum_{i\in B}w_i\,\ell_{forget}(x_i),\qquad w_i\propto\exp(-\ell_i/\tau)`,
  exports: [
    "losses/unlearning: lossReweighted",
    "unlearning: saliencyMask",
    "unlearning: trainUnlearn",
    "metrics: unlearningGap",
    "metrics: membershipInference",
  ],
};
