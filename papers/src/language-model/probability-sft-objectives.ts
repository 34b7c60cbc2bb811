import type { Card } from "../card.ts";

export const card: Card = {
  number: 11,
  slug: "probability-sft-objectives",
  title:
    "Beyond Log Likelihood: Probability-Based Objectives for Supervised Fine-Tuning across the Model Capability Continuum",
  year: 2025,
  family: "language-model",
  kind: "objective",
  arxiv: "2510.00526",
  link: "https://arxiv.org/abs/2510.00526",
  code: "https://github.com/GaotangLi/Beyond-Log-Likelihood",
  summary:
    "Supervised fine-tuning is viewed as minimising a function f of the probability p given to each target token, with the negative log-likelihood as one member of a family indexed by α. Larger α gives almost no gradient to tokens with low p, and thresholded versions ignore such tokens altogether. The choice of f thus sets how far training trusts the prior of the base model.",
  claim:
    "On tasks where the base model is strong, losses that discount low-probability tokens, such as -p, -p^10 or a thresholded log-likelihood, reach higher accuracy than the negative log-likelihood. On tasks where it is weak, the negative log-likelihood wins. In between, no objective is consistently ahead.",
  formula: String.raw`f_\alpha(p)=\frac{1-p^\alpha}{\alpha},\qquad \lim_{\alpha\to0}f_\alpha(p)=-\log p,\qquad \frac{\partial f_\alpha}{\partial z_y}=-p^\alpha(1-p)`,
  exports: [
    "losses/token: probabilityObjective",
    "losses/token: weightProfile",
    "diagnostics: priorStrength",
  ],
};
