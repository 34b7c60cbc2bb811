import type { Card } from "../card.ts";

export const card: Card = {
  number: 187,
  slug: "variational-importance-sampling",
  title: "Forward χ^2 Divergence Based Variational Importance Sampling",
  year: 2023,
  family: "likelihood",
  kind: "algorithm",
  arxiv: "2311.02516",
  link: "https://arxiv.org/abs/2311.02516",
  code: "https://github.com/JerrySoybean/vis",
  summary:
    "VIS fits a latent-variable model by maximising an importance-sampling estimate of the marginal log-likelihood rather than the ELBO. The proposal is trained in alternation to minimise the forward χ² divergence, computed from doubled log-weights, because that divergence sets the variance of the estimate. Gradients for the proposal are score-function or pathwise.",
  claim:
    "Estimating the marginal likelihood by importance sampling with a proposal that minimises the forward χ² divergence gives higher test likelihood than training on the ELBO if the true posterior has a complicated shape. Model parameters are recovered more accurately as well.",
  formula: String.raw`\max_\theta\ \log\frac1K\sum_{k=1}^{K}e^{w_k},\qquad \min_\phi\ \log\mathbb E_{q_\phi}\big[e^{2w}\big],\qquad w=\log p_\theta(x,z)-\log q_\phi(z\mid x)`,
  exports: [
    "likelihood/importance: logMarginal",
    "likelihood/importance: elbo",
    "likelihood/importance: cubo",
    "likelihood/importance: ess",
    "likelihood/importance: chi2ProposalLoss",
    "likelihood/importance: trainLatent",
  ],
};
