import type { Card } from "../card.ts";

export const card: Card = {
  number: 178,
  slug: "supersample-bounds",
  title: "Tighter Information-Theoretic Generalization Bounds from Supersamples",
  year: 2023,
  family: "theory",
  kind: "bound",
  arxiv: "2302.02432",
  link: "https://arxiv.org/abs/2302.02432",
  summary:
    "Bounds on the generalisation gap are derived in the supersample setting, where each example comes as a pair and a random bit says which member is used for training. The mutual information is taken between that bit and one number only, either the difference of the two losses or the loss of a single column. A shifted-Rademacher argument gives fast-rate versions for small training error.",
  claim:
    "Information bounds that use only the loss difference, or only the loss of one column, are tighter than the older bounds built on the pair of losses. For interpolating learners with 0/1 loss, the loss-difference information divided by log 2, averaged over examples, equals the population risk exactly.",
  formula: String.raw`|\text{Err}|\le\frac1n\sum_{i=1}^{n}\sqrt{2\,I(\Delta L_i;U_i)},\qquad \Delta L_i=L_i^{1}-L_i^{0}`,
  exports: [
    "diagnostics/cmi: supersampleRun",
    "diagnostics/cmi: ldMiBound",
    "diagnostics/cmi: singleLossBound",
    "diagnostics/cmi: fastRateBound",
    "diagnostics/cmi: pairBound",
    "diagnostics/cmi: interpolatingExact",
    "diagnostics/cmi: mutualInformationDiscrete",
    "diagnostics/cmi: binaryKlBound",
  ],
};
