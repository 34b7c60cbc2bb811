import type { Card } from "../card.ts";

export const card: Card = {
  number: 132,
  slug: "pn-criterion-information-projection",
  title:
    "MLE convergence speed to information projection of exponential family: Criterion for model dimension and sample size -- complete proof version--",
  year: 2021,
  family: "theory",
  kind: "bound",
  arxiv: "2105.08947",
  link: "https://arxiv.org/abs/2105.08947",
  summary:
    "An exponential family is fitted by maximum likelihood to data whose true density need not belong to it. The fitted model deviates from the information projection by an average KL divergence that is expanded to second order in 1/n, using only moments of the sufficient statistics under truth and model. Comparing the estimate with a threshold tied to the error rate of telling the two densities apart decides whether dimension p and sample size n fit together.",
  claim:
    "The expected divergence has an explicit expansion whose leading term is a trace over 2n, which becomes p/(2n) when the model is correct. Adding the term of order 1/n² predicts the divergence better than the leading term alone, and a threshold on it says whether n is large enough for p.",
  formula: String.raw`\mathbb E\,D(\theta_*\|\hat\theta)=\frac{\operatorname{tr}(G^{-1}V)}{2n}+\frac1{n^2}\Big[\tfrac13\varphi_{ijk}K_{ijk}+\tfrac38\varphi_{ijkl}V_{ij}V_{kl}\Big]+o(n^{-2})`,
  exports: [
    "theory: mleRiskExpansion",
    "theory: pnCriterion",
    "theory: bayesErrorLowerBound",
    "likelihood: ExponentialFamily",
  ],
};
