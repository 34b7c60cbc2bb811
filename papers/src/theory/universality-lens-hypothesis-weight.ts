import type { Card } from "../card.ts";

export const card: Card = {
  number: 106,
  slug: "universality-lens-hypothesis-weight",
  title: "The Universality Lens: Why Even Highly Over-Parametrized Models Learn Well",
  year: 2025,
  family: "theory",
  kind: "bound",
  arxiv: "2506.07661",
  link: "https://arxiv.org/abs/2506.07661",
  summary:
    "The paper analyses Bayesian mixtures under log-loss through the weight of a target: the prior mass of all hypotheses within KL distance ε of it. Jensen's inequality bounds the regret by ε plus the negative log weight divided by n, for every ε. In practice the mixture is computed exactly for tiny classes and approximated with Langevin posterior samples for networks.",
  claim:
    "The regret of the mixture follows the log prior mass around the true model and not the number of parameters or hypotheses in the class. A simple target with large weight is therefore learned from few samples, and enlarging the class hardly changes its regret as long as that weight stays the same.",
  formula: String.raw`R_n\le\min_{\epsilon\ge0}\Big[\epsilon+\frac1n\log\frac1{W_\epsilon(\theta_0)}\Big],\quad W_\epsilon(\theta_0)=w\{\theta:D(P_{\theta_0}\|P_\theta)\le\epsilon\}`,
  exports: [
    "diagnostics: hypothesisWeight",
    "diagnostics: regretBound",
    "diagnostics: BayesMixture",
    "diagnostics: functionMultiplicity",
    "inference: sgld",
  ],
};
