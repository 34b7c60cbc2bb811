import type { Card } from "../card.ts";

export const card: Card = {
  number: 127,
  slug: "backward-compatible-weight-interpolation",
  title: "Backward Compatibility During Data Updates by Weight Interpolation",
  year: 2023,
  family: "classification",
  kind: "algorithm",
  arxiv: "2301.10546",
  link: "https://arxiv.org/abs/2301.10546",
  summary:
    "After a data update the new model is fine-tuned from the old weights, and old and new weights are then averaged linearly. The mixing factor is the largest one whose development accuracy does not fall below the new model's. Variants weight each parameter by its Fisher importance or interpolate with the mean of several new models.",
  claim:
    "Interpolating old and new weights yields fewer negative flips than the new model alone, at equal accuracy and with no extra inference cost. Fisher weighting and a soup of several new models cut the flips further.",
  formula: String.raw`\theta(\alpha)=\alpha\,\theta_o+(1-\alpha)\,\theta_n,\qquad \theta_j=\frac{\alpha F^o_j\theta_{o,j}+(1-\alpha)F^n_j\theta_{n,j}}{\alpha F^o_j+(1-\alpha)F^n_j}`,
  exports: ["merge: interpolateWeights", "merge: weightSoup", "merge: chooseAlpha"],
};
