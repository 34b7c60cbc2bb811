import type { Card } from "../card.ts";

export const card: Card = {
  number: 184,
  slug: "multimodal-hard-negative-har",
  title: "Multimodal Contrastive Learning with Hard Negative Sampling for Human Activity Recognition",
  year: 2023,
  family: "contrastive",
  kind: "objective",
  arxiv: "2309.01262",
  link: "https://arxiv.org/abs/2309.01262",
  summary:
    "For paired skeleton and IMU clips of human activities, two encoders are trained with a cross-modal contrastive loss in both directions. Negatives closer to the anchor receive larger weights through a concentration parameter β. A correction with an assumed class prior τ⁺ removes the expected share of same-class negatives, and a floor keeps the denominator positive.",
  claim:
    "Weighting cross-modal negatives by their closeness to the anchor, with debiasing, improves activity classification over contrastive learning with uniform negatives. The gain also holds with few labels. It remains when the downstream task uses skeleton or IMU data alone.",
  formula: String.raw`L_i=-\log\frac{e^{s^+/\tau}}{e^{s^+/\tau}+\mathcal N_i},\quad \mathcal N_i=\frac{\sum_j\omega_{ij}e^{s_{ij}/\tau}-N\tau^+e^{s^+/\tau}}{1-\tau^+},\quad \omega_{ij}\propto e^{\beta s_{ij}/\tau}`,
  exports: [
    "losses/contrastive: hardNegativeNCE",
    "losses/contrastive: crossModalLoss",
    "data/har: synthActivities",
  ],
};
