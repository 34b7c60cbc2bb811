import type { Card } from "../card.ts";

export const card: Card = {
  number: 99,
  slug: "ant-diffusion",
  title: "Addressing Negative Transfer in Diffusion Models",
  year: 2023,
  family: "generative",
  kind: "algorithm",
  arxiv: "2306.00354",
  link: "https://arxiv.org/abs/2306.00354",
  code: "https://github.com/gohyojun15/ANT_diffusion",
  summary:
    "Treats denoising at different timesteps of a diffusion model as tasks that may disturb one another. Dynamic programming groups the timesteps into a few contiguous clusters, with step distance, SNR or gradient affinity as cost. Each batch draws equally from all clusters, and a multi-task method (uncertainty weighting, PCGrad or Nash-MTL) balances the cluster losses.",
  claim:
    "Gradient affinity falls as noise levels move apart, and at some levels a shared denoiser is worse than one trained on those levels alone (negative transfer). Interval clustering combined with multi-task learning improves FID over plain DDPM training with uniform timesteps.",
  formula: String.raw`\{[l_c,r_c]\}=\operatorname*{arg\,min}\sum_{c=1}^{k}\mathrm{cost}(l_c,r_c),\qquad L_{\mathrm{UW}}=\sum_{c=1}^{k}\tfrac12\big(e^{-s_c}L_c+s_c\big)`,
  exports: [
    "taskAffinity",
    "intervalClusters",
    "uncertaintyWeighting",
    "pcgrad",
    "nashMTL",
    "optimalSegmentation",
  ],
};
