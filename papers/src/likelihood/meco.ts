import type { Card } from "../card.ts";

export const card: Card = {
  number: 13,
  slug: "meco",
  title: "Learning Unnormalized Statistical Models via Compositional Optimization",
  year: 2023,
  family: "likelihood",
  kind: "algorithm",
  arxiv: "2306.07485",
  link: "https://arxiv.org/abs/2306.07485",
  summary:
    "The log-partition function of an energy model is written as the logarithm of an expectation under a noise distribution q with known density. A moving average u tracks that inner expectation across mini-batches and supplies the denominator of the gradient, with momentum on top. Each step needs only one batch of data and one batch of noise, so maximum likelihood runs in a single loop without MCMC.",
  claim:
    "With the partition function tracked by a moving average, direct maximum likelihood is about as easy to run as NCE and its loss surface is better conditioned. Estimating a Gaussian mean takes far fewer steps than with NCE, and density estimates improve over NCE and MCMC-based training.",
  formula: String.raw`u_t=(1-\gamma)u_{t-1}+\gamma\hat g_t,\quad \hat\nabla_t=-\frac1B\sum_i\nabla\phi(x_i)+\frac1{u_tB}\sum_i\frac{e^{\phi(\tilde x_i)}}{q(\tilde x_i)}\nabla\phi(\tilde x_i)`,
  exports: ["likelihood/ebm: CompositionalMle", "likelihood/ebm: nceLoss", "likelihood/ebm: logPartitionIS"],
};
