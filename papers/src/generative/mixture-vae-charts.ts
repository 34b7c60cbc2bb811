import type { Card } from "../card.ts";

export const card: Card = {
  number: 186,
  slug: "mixture-vae-charts",
  title: "Manifold Learning by Mixture Models of VAEs for Inverse Problems",
  year: 2023,
  family: "generative",
  kind: "model",
  arxiv: "2303.15244",
  link: "https://arxiv.org/abs/2303.15244",
  code: "https://github.com/johertrich/Manifold_Mixture_VAEs",
  summary:
    "A data manifold is covered by K variational autoencoders, each an invertible chart whose decoder is zero-padding followed by a coupling flow and whose encoder is its exact left inverse. Training weights the chart losses by responsibilities. Inverse problems are solved by Riemannian gradient descent on a data-fit term, blending the steps of all charts that are responsible for the current point.",
  claim:
    "A mixture of VAEs represents manifolds without a global parametrisation, such as circles, a sphere or a torus, which a single generator cannot cover. Riemannian descent across the charts solves inverse problems on which one chart fails.",
  formula: String.raw`\mathcal L(x)=\sum_{k=1}^{K}r_k(x)\big(L_k(x)-\log\pi_k\big),\qquad r_k(x)=\frac{\pi_k\,e^{-L_k(x)}}{\sum_j\pi_j\,e^{-L_j(x)}}`,
  exports: [
    "generative/flows: affineCoupling",
    "generative/manifold: ChartVAE",
    "generative/manifold: MixtureOfCharts",
    "generative/manifold: responsibilities",
    "generative/manifold: riemannianDescent",
  ],
};
