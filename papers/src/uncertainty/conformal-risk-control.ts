import type { Card } from "../card.ts";

export const card: Card = {
  number: 200,
  slug: "conformal-risk-control",
  title: "Conformal Risk Control",
  year: 2022,
  family: "uncertainty",
  kind: "algorithm",
  arxiv: "2208.02814",
  link: "https://arxiv.org/abs/2208.02814",
  code: "https://github.com/aangelopoulos/conformal-risk",
  summary:
    "Conformal risk control tunes one parameter λ of a fitted predictor, for example a threshold that sets the size of a prediction set. On n calibration points it computes the mean of a bounded loss that does not increase with λ, adds a correction of B/(n + 1) for the unseen point, and takes the smallest λ whose corrected risk is at most α. Versions for covariate shift and several risks follow.",
  claim:
    "Whenever the loss is bounded and monotone in λ, the chosen parameter keeps the expected loss on a new exchangeable point at or below α. The result is tight up to order 1/n. With the 0/1 miscoverage loss the rule reduces to split conformal prediction.",
  formula: String.raw`\hat\lambda=\inf\Big\{\lambda:\ \frac{n}{n+1}\,\hat R_n(\lambda)+\frac{B}{n+1}\le\alpha\Big\}\ \Rightarrow\ \mathbb E\big[L_{n+1}(\hat\lambda)\big]\le\alpha`,
  exports: [
    "uncertainty/conformal: riskControl",
    "uncertainty/conformal: weightedRiskControl",
    "uncertainty/conformal: monotonize",
    "uncertainty/conformal: splitConformalQuantile",
    "uncertainty/conformal: multiRisk",
    "uncertainty/conformal: learnThenTest",
    "uncertainty/losses: falseNegativeRate",
    "uncertainty/losses: hierarchicalDistance",
    "uncertainty/losses: tokenF1Loss",
  ],
};
