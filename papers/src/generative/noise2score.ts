import type { Card } from "../card.ts";

export const card: Card = {
  number: 43,
  slug: "noise2score",
  title: "Noise2Score: Tweedie's Approach to Self-Supervised Image Denoising without Clean Images",
  year: 2021,
  family: "generative",
  kind: "algorithm",
  arxiv: "2106.07009",
  link: "https://arxiv.org/abs/2106.07009",
  code: "https://github.com/cubeyoung/Noise2Score",
  summary:
    "A network learns the score of the noisy images themselves by a residual denoising autoencoder with a small, annealed noise level. Tweedie's formula for the known noise family then turns the score into a posterior mean. Changing the noise model or its level changes only this last formula, and an unknown level can be picked from a grid by a quality measure such as total variation.",
  claim:
    "A single score network fitted to noisy images, combined with the right Tweedie formula, removes Gaussian, Poisson and Gamma noise with higher PSNR than blind-spot self-supervision. It comes close to supervised training, and it serves every noise level whose parameter is known.",
  formula: String.raw`\hat x_{\text{Gauss}}=y+\sigma^2\ell'(y),\quad \hat x_{\text{Poisson}}=\zeta\left(z+\tfrac12\right)e^{\ell_Z'(z)},\quad \hat x_{\text{Gamma}}=\frac{ky}{(k-1)-y\,\ell'(y)}`,
  exports: [
    "generative/score:arDae",
    "generative/tweedie:tweedieGaussian",
    "generative/tweedie:tweediePoisson",
    "generative/tweedie:tweedieGamma",
    "generative/tweedie:estimateNoiseLevel",
    "generative/denoise:noise2void",
    "generative/denoise:sureGaussian",
  ],
};
