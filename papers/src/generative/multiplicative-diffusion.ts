import type { Card } from "../card.ts";

export const card: Card = {
  number: 40,
  slug: "multiplicative-diffusion",
  title: "Dale meets Langevin: A Multiplicative Denoising Diffusion Model",
  year: 2025,
  family: "generative",
  kind: "model",
  arxiv: "2510.02730",
  link: "https://arxiv.org/abs/2510.02730",
  summary:
    "Positive data are corrupted by geometric Brownian motion, which multiplies values by log-normal noise. A network learns x times the score by a multiplicative form of denoising score matching. Sampling starts from a log-normal and uses exponentiated updates, so no value ever changes its sign.",
  claim:
    "Multiplicative noise yields a score model whose reverse sampler is an exponentiated-gradient update that keeps signs for any step size. The multiplicative denoising loss equals the explicit score-matching loss up to a constant, and sampling from log-normal noise produces recognisable digits.",
  formula: String.raw`x\leftarrow x\circ\exp\!\left(-\left(\mu-\tfrac{\sigma^2}2\right)\delta+\sigma^2(1+h_\theta)\delta+\sigma\sqrt\delta\,z\right),\qquad h_\theta\approx x\circ\nabla\log p_t(x)`,
  exports: [
    "generative/sde:geometricBrownian",
    "generative/score:multiplicativeDSM",
    "generative/sample:daleLangevin",
    "generative/sample:ambientMultiplicative",
    "optim:exponentiatedGradient",
  ],
};
