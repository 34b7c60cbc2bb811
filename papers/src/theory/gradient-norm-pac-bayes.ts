import type { Card } from "../card.ts";

export const card: Card = {
  number: 84,
  slug: "gradient-norm-pac-bayes",
  title: "On the Importance of Gradient Norm in PAC-Bayesian Bounds",
  year: 2022,
  family: "theory",
  kind: "bound",
  arxiv: "2210.06143",
  link: "https://arxiv.org/abs/2210.06143",
  summary:
    "Derives a PAC-Bayes bound that admits unbounded losses through a log-Sobolev inequality of the data distribution. Its complexity term averages the squared norm of the loss gradient with respect to the input, under weights that shrink the share of high-loss points. The term is estimated from sampled inputs and from weights drawn from the prior.",
  claim:
    "In a PAC-Bayes bound, boundedness or a global Lipschitz constant of the loss can be replaced by an averaged input-gradient norm. The complexity term obtained in this way is far below the Lipschitz one, and it follows how well different architectures generalise.",
  formula: String.raw`G_w(\lambda)=\frac{\rho\lambda}2\int_0^{\lambda/m}\frac{\mathbb E_z\big[\|\nabla_z\ell\|^2e^{-s\ell}\big]}{\mathbb E_z\big[e^{-s\ell}\big]}\,ds`,
  exports: [
    "logSobolevTerm",
    "pacBayesGradientNorm",
    "mcAllester",
    "catoni",
    "gaussianPosterior",
    "inputGradient",
  ],
};
