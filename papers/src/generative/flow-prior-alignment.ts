import type { Card } from "../card.ts";

export const card: Card = {
  number: 7,
  slug: "flow-prior-alignment",
  title: "Aligning Latent Spaces with Flow Priors",
  year: 2025,
  family: "generative",
  kind: "objective",
  arxiv: "2506.05240",
  link: "https://arxiv.org/abs/2506.05240",
  code: "https://github.com/liyz15/Aligning-Latent-Spaces-with-Flow-Priors",
  summary:
    "A flow-matching model is first trained on target features and then frozen. Latents are regularised by the flow-matching residual evaluated at them, averaged over random times and noise draws, with the gradient passing through both places where the latent enters. Neither an ODE solution nor a divergence is needed.",
  claim:
    "Minimising the frozen flow's residual over latents moves them onto the target distribution, because with a suitable time weighting it bounds the target's negative log-likelihood from above up to a constant. The residual's landscape follows that negative log-likelihood. The points of comparison are the true likelihood, a KL term to a Gaussian prior, and no regulariser.",
  formula: String.raw`\mathcal L_{\text{align}}(z)=\mathbb E_{t,x_0}\left\lVert v_\phi\big((1-t)x_0+tz,\,t\big)-(z-x_0)\right\rVert^2`,
  exports: [
    "generative/flow: alignmentLoss",
    "generative/flow: gaussianVelocity",
    "data/twoD: gmm",
    "data/twoD: moons",
    "data/twoD: rings",
    "data/twoD: spiral",
    "data/twoD: grid",
    "data/twoD: checkerboard",
  ],
};
