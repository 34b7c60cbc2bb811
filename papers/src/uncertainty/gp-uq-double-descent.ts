import type { Card } from "../card.ts";

export const card: Card = {
  number: 46,
  slug: "gp-uq-double-descent",
  title: "Monotonicity and Double Descent in Uncertainty Estimation with Gaussian Processes",
  year: 2022,
  family: "uncertainty",
  kind: "bound",
  arxiv: "2210.07612",
  link: "https://arxiv.org/abs/2210.07612",
  summary:
    "For Gaussian processes on whitened inputs, the paper studies how two kinds of quality measure behave as the number of input dimensions d grows past the number n of points. The marginal likelihood is taken with the prior scale tuned by empirical Bayes. Predictive losses are taken at fixed prior scale and temperature, so that their double descent can be compared with it.",
  claim:
    "When inputs are whitened and the prior scale is tuned, the negative log marginal likelihood falls monotonically in expectation as dimensions are added. Squared error and predictive negative log-likelihood of the same models instead peak near d ≈ n at cold, low-noise temperature.",
  formula: String.raw`F(\lambda,\gamma)=\tfrac\lambda2y^\top(K+\lambda\gamma I)^{-1}y+\tfrac12\log\det(K+\lambda\gamma I)-\tfrac n2\log\tfrac\lambda{2\pi},\quad \lambda^*=\arg\min_\lambda F`,
  exports: [
    "uncertainty/gp:gpMarginal",
    "uncertainty/gp:tunePriorScale",
    "uncertainty/gp:gpPredict",
    "uncertainty/gp:gpPredictiveLosses",
    "diagnostics/curves:doubleDescent",
  ],
};
