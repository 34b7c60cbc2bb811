import type { Card } from "../card.ts";

export const card: Card = {
  number: 112,
  slug: "subject-fidelity-optimization",
  title: "Negative-Guided Subject Fidelity Optimization for Zero-Shot Subject-Driven Generation",
  year: 2025,
  family: "generative",
  kind: "objective",
  arxiv: "2506.03621",
  link: "https://arxiv.org/abs/2506.03621",
  summary:
    "A reference-conditioned rectified-flow model is first fine-tuned in the usual way; this model then makes negatives from a blurred reference image and a generic prompt. A pairwise preference loss compares the flow error on the true target with the error on the negative, relative to the frozen model, with noise and time shared within the pair. Diffusion times are drawn from a logit-normal law.",
  claim:
    "Pairwise fine-tuning with degraded-condition negatives gives images more faithful to the reference subject than further supervised flow-matching training. Negatives made from blurred and generic conditions work better than self-play negatives sampled with intact conditions.",
  formula: String.raw`L=-\mathbb E\log\sigma\big(-\beta(\Delta_\theta-\Delta_{ref})\big),\quad \Delta_*=\|f_*(x_t^+,t,c)-(\epsilon-x^+)\|^2-\|f_*(x_t^-,t,c)-(\epsilon-x^-)\|^2`,
  exports: [
    "generative: flowMatchingLoss",
    "generative: pairwiseDenoisingPreference",
    "generative: logitNormalTime",
    "negatives: conditionDegradation",
  ],
};
