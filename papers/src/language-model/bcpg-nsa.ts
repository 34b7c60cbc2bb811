import type { Card } from "../card.ts";

export const card: Card = {
  number: 35,
  slug: "bcpg-nsa",
  title:
    "Unearthing Gems from Stones: Policy Optimization with Negative Sample Augmentation for LLM Reasoning",
  year: 2025,
  family: "language-model",
  kind: "objective",
  arxiv: "2505.14403",
  link: "https://arxiv.org/abs/2505.14403",
  summary:
    "From a fixed set of sampled solutions, wrong ones are split into steps, and a step counts as good only when a language-model judge and a process reward model agree. Training is an offline policy gradient with a constraint to the sampling policy. Tokens of good steps in wrong solutions receive no penalty or a small reward, and all other tokens keep the advantage of the whole solution.",
  claim:
    "Exempting or rewarding correct steps inside wrong solutions gives higher held-out accuracy than discarding wrong solutions (rejection-sampling fine-tuning) at equal data and updates. It is also higher than with an equal penalty on every token of a wrong solution.",
  formula: String.raw`\mathcal L=-\frac1{|y|}\sum_t\left[A_t\ell_t-\frac\beta2\rho_t^2\right],\qquad A_t=\begin{cases}\kappa|A_i|&\text{good step, wrong answer}\\A_i&\text{otherwise}\end{cases}`,
  exports: ["losses/policy:behaviorConstrainedPG", "losses/policy:stepAdvantages", "data:stepArithmetic"],
};
