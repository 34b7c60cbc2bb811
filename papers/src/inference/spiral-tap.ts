import type { Card } from "../card.ts";

export const card: Card = {
  number: 20,
  slug: "spiral-tap",
  title: "This is SPIRAL-TAP: Sparse Poisson Intensity Reconstruction ALgorithms - Theory and Practice",
  year: 2010,
  family: "inference",
  kind: "algorithm",
  arxiv: "1005.4274",
  link: "https://arxiv.org/abs/1005.4274",
  code: "http://drz.ac/code/spiraltap/",
  summary:
    "A nonnegative intensity is recovered from Poisson counts by minimising the negative log-likelihood plus a sparsity penalty. Each iteration replaces the likelihood by a separable quadratic whose curvature comes from a Barzilai-Borwein rule and then solves a nonnegative denoising problem. Penalties include ℓ1, ℓ1 in an orthonormal basis, total variation and recursive dyadic partitions.",
  claim:
    "With the Poisson likelihood and a sparsity penalty, sequential quadratic approximation gives lower relative error at low counts than EM (Richardson-Lucy) and than solvers built for Gaussian noise. It also reaches its solution in less time than those opponents.",
  formula: String.raw`f^{k+1}=\arg\min_{f\ge0}\tfrac12\lVert f-s^k\rVert_2^2+\frac{\tau}{\alpha_k}\operatorname{pen}(f),\qquad s^k=f^k-\frac1{\alpha_k}\nabla F(f^k)`,
  exports: [
    "inference/poisson: spiralTap",
    "inference/poisson: richardsonLucy",
    "inference/poisson: poissonNll",
    "inference/prox: softThresholdNonneg",
    "inference/prox: tvDenoise",
    "inference/prox: waveletDenoise",
    "inference/prox: dyadicPrune",
  ],
};
