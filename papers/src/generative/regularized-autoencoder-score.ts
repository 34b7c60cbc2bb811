import type { Card } from "../card.ts";

export const card: Card = {
  number: 158,
  slug: "regularized-autoencoder-score",
  title: "What Regularized Auto-Encoders Learn from the Data Generating Distribution",
  year: 2012,
  family: "generative",
  kind: "objective",
  arxiv: "1211.4246",
  link: "https://arxiv.org/abs/1211.4246",
  summary:
    "An auto-encoder is trained on reconstruction error plus a small contraction penalty on the Jacobian of the whole reconstruction map, or equivalently in the limit on denoising with small Gaussian noise. The scaled displacement from input to reconstruction is then read as an estimate of the gradient of the log-density. Integrating that field along a path gives density ratios for a Metropolis-Hastings sampler.",
  claim:
    "As the penalty or noise level σ goes to 0, the optimal displacement divided by σ² converges to the score of the data distribution. The reconstruction error itself is not an energy function. The learned vector field is enough for approximate Metropolis-Hastings sampling from the data density.",
  formula: String.raw`\mathcal L=\mathbb E\Big[\lVert r(x)-x\rVert^2+\sigma^2\Big\lVert\frac{\partial r}{\partial x}\Big\rVert_F^2\Big],\quad \frac{r^*_\sigma(x)-x}{\sigma^2}\to\nabla\log p(x)\ \ (\sigma\to0)`,
  exports: [
    "rcaeLoss",
    "daeLoss",
    "scoreFromAutoencoder",
    "metropolisFromScore",
    "langevin",
    "closedLoopError",
    "scoreError",
  ],
};
