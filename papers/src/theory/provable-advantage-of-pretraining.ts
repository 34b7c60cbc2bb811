import type { Card } from "../card.ts";

export const card: Card = {
  number: 135,
  slug: "provable-advantage-of-pretraining",
  title: "On the Provable Advantage of Unsupervised Pretraining",
  year: 2023,
  family: "theory",
  kind: "bound",
  arxiv: "2303.01566",
  link: "https://arxiv.org/abs/2303.01566",
  summary:
    "The paper studies a two-phase learner: maximum likelihood fits a latent-variable model to m samples without labels, then empirical risk minimisation fits a predictor on the learned representation with n labels. An informativeness condition links closeness of the data distributions to closeness in downstream risk, up to transformations the predictor can absorb. Factor models, Gaussian mixtures and contrastive pairs are worked out as instances.",
  claim:
    "Excess risk after pretraining is of order C_Φ/m + C_Ψ/n, against the complexity of the composed class over n for learning from the labels alone; outside the fast-rate cases the terms enter as square roots. Pretraining therefore wins when m is much larger than n and the unlabelled problem is informative.",
  formula: String.raw`\hat\phi=\arg\max_\phi\sum_{i=1}^m\log p_\phi(x_i),\quad \hat\psi=\arg\min_\psi\sum_{j=1}^n\ell(\psi\circ\hat\phi(x_j),y_j),\quad \text{risk}\lesssim\frac{C_\Phi}m+\frac{C_\Psi}n`,
  exports: [
    "theory: pretrainThenFit",
    "generative: probabilisticPca",
    "generative: gaussianMixtureEm",
    "theory: excessRiskSurface",
    "data: factorRegression",
    "data: mixtureClassification",
    "data: latentPairs",
  ],
};
