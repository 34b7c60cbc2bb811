import type { Card } from "../card.ts";

export const card: Card = {
  number: 22,
  slug: "ebflow",
  title: "Training Energy-Based Normalizing Flow with Score-Matching Objectives",
  year: 2023,
  family: "generative",
  kind: "objective",
  arxiv: "2305.15267",
  link: "https://arxiv.org/abs/2305.15267",
  code: "https://github.com/chen-hao-chao/ebflow",
  summary:
    "A normalising flow is read as an energy model: the log-determinants of its linear layers do not depend on the input and move into the normalising constant. Sliced, denoising or finite-difference score matching then trains unrestricted dense layers without computing those determinants. The constant is evaluated once at the end, so exact likelihoods remain available.",
  claim:
    "Training a flow by score matching on its energy lowers the cost per step from O(D³L) to O(D²L) for L dense layers of width D, compared with exact maximum likelihood. Test negative log-likelihood stays close to that of maximum likelihood.",
  formula: String.raw`\log p(x)=-E(x)+\sum_{l\in\mathcal S_l}\log|\det W_l|,\quad E(x)=-\log p_u(g(x))-\sum_{l\in\mathcal S_n}\log|\det J_l(x)|`,
  exports: [
    "generative/ebflow: EnergyFlow",
    "generative/score: slicedScoreMatching",
    "generative/score: denoisingScoreMatching",
    "generative/score: finiteDifferenceSSM",
  ],
};
