import type { Card } from "../card.ts";

export const card: Card = {
  number: 60,
  slug: "log-variance-sampler",
  title: "Improved sampling via learned diffusions",
  year: 2023,
  family: "generative",
  kind: "objective",
  arxiv: "2307.01198",
  link: "https://arxiv.org/abs/2307.01198",
  code: "https://github.com/juliusberner/sde_sampler",
  summary:
    "Learns the control u of a diffusion that carries samples from a simple prior to a density known only up to a constant. Paths are simulated with a detached control v, and u is fitted by minimising the batch variance of the log Radon-Nikodym derivative R between two path measures. The unknown constant drops out, and no gradient flows through the simulator.",
  claim:
    "Training the same controlled-diffusion samplers (PIS, DIS) with the log-variance divergence instead of the reverse KL lowers gradient variance and lessens mode collapse. The effect is measured by the error of log Z, by effective sample size, by mode coverage and by Sinkhorn or Wasserstein distance.",
  formula: String.raw`L_{\mathrm{LV}}=\operatorname{Var}(R),\ R=\log p_0(X_0)+\sum_k\big[u\cdot(v-\tfrac12u)\Delta t+u\cdot\Delta B-\operatorname{div}f\,\Delta t\big]-\log\rho(X_T)`,
  exports: [
    "generative/sde:vpGenerative",
    "generative/sde:pinnedBrownian",
    "generative/sampler:simulatePath",
    "losses/path:logVariance",
    "losses/path:reverseKL",
    "metrics:logZ",
    "metrics:ess",
    "metrics:sinkhorn",
  ],
};
