import type { Card } from "../card.ts";

export const card: Card = {
  number: 196,
  slug: "expected-perturbation-score",
  title: "Detecting Adversarial Data by Probing Multiple Perturbations Using Expected Perturbation Score",
  year: 2023,
  family: "uncertainty",
  kind: "score",
  arxiv: "2305.16035",
  link: "https://arxiv.org/abs/2305.16035",
  code: "https://github.com/ZSHsh98/EPS-AD",
  summary:
    "An input is noised at many small diffusion timesteps and the scores of a pre-trained diffusion model at these copies are averaged into one vector, the expected perturbation score (EPS). An MMD with a learned deep kernel then compares the EPS of a test input with the EPS vectors of a natural reference set. The kernel is trained on natural data against weak FGSM attacks.",
  claim:
    "The score averaged over many noise levels separates adversarial from natural inputs better than the score norm at a single level. An MMD test on this statistic detects attacks with high AUROC. This holds also for attacks that were not used to train the kernel.",
  formula: String.raw`\operatorname{EPS}(x)=\frac{1}{T^*}\sum_{k=1}^{T^*}s_\theta(x_{t_k},t_k),\qquad x_t=a_t\,x+\sigma_t\,\epsilon,\ \ \epsilon\sim\mathcal N(0,I)`,
  exports: [
    "uncertainty/eps: expectedPerturbationScore",
    "uncertainty/eps: singleScoreNorm",
    "generative/schedules: vpMarginal",
    "generative/score: dsmLoss",
    "generative/score: scoreFn",
    "metrics/mmd: mmd2",
    "metrics/mmd: deepKernel",
    "metrics/mmd: mmdPower",
    "uncertainty/attacks: fgsm",
    "uncertainty/attacks: pgd",
    "uncertainty/attacks: mim",
  ],
};
