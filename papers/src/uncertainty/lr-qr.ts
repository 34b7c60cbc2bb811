import type { Card } from "../card.ts";

export const card: Card = {
  number: 47,
  slug: "lr-qr",
  title: "Conformal Inference under High-Dimensional Covariate Shifts via Likelihood-Ratio Regularization",
  year: 2025,
  family: "uncertainty",
  kind: "algorithm",
  arxiv: "2502.13030",
  link: "https://arxiv.org/abs/2502.13030",
  summary:
    "Prediction sets use a score threshold h(x) fitted by pinball loss on labelled source data plus a regulariser that pulls h toward a multiple of the likelihood ratio. The regulariser needs only moments of h on source and unlabelled target data, so the ratio is never estimated. The weight λ trades an upward push on target coverage against misfit of the quantile.",
  claim:
    "Under a high-dimensional covariate shift, the regularised quantile threshold comes closer to nominal coverage on the target than split conformal prediction, weighting by an estimated likelihood ratio, or quantile regression without the regulariser. It needs labelled source data and unlabelled target data only.",
  formula: String.raw`\min_{h,\beta}\;E_1\!\left[\ell_\alpha(h(X),S)\right]+\lambda\left(E_1\!\left[\beta^2h(X)^2\right]-2E_2\!\left[\beta h(X)\right]\right)`,
  exports: [
    "uncertainty/conformal:lrQuantileRegression",
    "uncertainty/conformal:splitConformal",
    "uncertainty/conformal:weightedConformal",
    "losses/regression:pinball",
    "uncertainty/density:logisticRatio",
  ],
};
