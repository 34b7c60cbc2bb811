import type { Card } from "../card.ts";

export const card: Card = {
  number: 24,
  slug: "nb-transformer",
  title: "Negative binomial regression and inference using a pre-trained transformer",
  year: 2025,
  family: "inference",
  kind: "model",
  arxiv: "2508.04111",
  link: "https://arxiv.org/abs/2508.04111",
  summary:
    "A permutation-invariant transformer takes the counts of two groups as sets and outputs the baseline log mean, the log fold change and the log dispersion of a negative-binomial model. It learns only from simulated data with known parameters. Standard errors and tests then follow from the usual formula, and maximum likelihood and moment estimators serve as references.",
  claim:
    "On simulated two-group counts, the pre-trained transformer estimates negative-binomial parameters more accurately than maximum likelihood and about 20 times faster. Plain moment estimates match the accuracy of maximum likelihood, run about 1000 times faster, and give better calibrated and more powerful tests.",
  formula: String.raw`\min_\theta\;\mathbb E\left\lVert T_\theta(x_0,x_1)-(m,\beta,\log\alpha)\right\rVert^2,\qquad x_{gi}\sim\operatorname{NB}\!\left(e^{m+g\beta},\alpha\right)`,
  exports: [
    "likelihood/negativeBinomial: logPmf",
    "likelihood/negativeBinomial: fitMoments",
    "likelihood/negativeBinomial: fitMle",
    "likelihood/negativeBinomial: waldTest",
    "inference/amortized: SetRegressor",
    "inference/amortized: trainAmortized",
    "numeric: lgamma",
    "numeric: digamma",
  ],
};
