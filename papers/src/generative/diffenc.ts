import type { Card } from "../card.ts";

export const card: Card = {
  number: 199,
  slug: "diffenc",
  title: "DiffEnc: Variational Diffusion with a Learned Encoder",
  year: 2023,
  family: "generative",
  kind: "model",
  arxiv: "2310.19789",
  link: "https://arxiv.org/abs/2310.19789",
  code: "https://github.com/bemigini/DiffEnc",
  summary:
    "DiffEnc lets the mean of the forward diffusion follow a learned, time-dependent encoding of the data in place of the data itself. The encoding is a blend: the data with weight α_t² plus the output of a trainable network with weight σ_t², so it differs most at high noise. The generator gets a matching mean shift, and the loss contains the derivative of the encoder with respect to the noise level.",
  claim:
    "A trainable encoder in the forward process gives a tighter likelihood bound, in bits per dimension, than an otherwise equal diffusion model whose mean is fixed. With finitely many steps the ratio of noise variances of encoder and generator may be a free weight of the loss. In the limit of infinite depth that ratio must be 1.",
  formula: String.raw`\tfrac12\,\mathbb E_{t,\epsilon}\,\gamma'(t)\,\alpha_t^2\Big\lVert v_t-\hat v+\sigma_t\Big(\hat x-x_t+y+\frac{\partial y}{\partial\gamma}\Big)\Big\rVert^2,\quad x_t=\alpha_t^2x+\sigma_t^2y`,
  exports: [
    "generative/schedules: gammaLinear",
    "generative/schedules: sigma2",
    "generative/vdm: vdmLoss",
    "generative/vdm: diffEncLoss",
    "generative/vdm: discretizedLogProb",
    "generative/vdm: sampleDiffEnc",
    "autodiff: jvp",
  ],
};
