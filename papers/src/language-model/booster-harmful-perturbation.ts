import type { Card } from "../card.ts";

export const card: Card = {
  number: 120,
  slug: "booster-harmful-perturbation",
  title:
    "Booster: Tackling Harmful Fine-tuning for Large Language Models via Attenuating Harmful Perturbation",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2409.01586",
  link: "https://arxiv.org/abs/2409.01586",
  code: "https://github.com/git-disl/Booster",
  summary:
    "During safety alignment a regulariser is added to the loss on refusals: the amount by which the loss on harmful answers would fall after one normalised gradient step on them. Its gradient is taken to first order, so an update costs three forward and backward passes. The weights are perturbed along the harmful gradient, evaluated on the same harmful batch and restored.",
  claim:
    "A model aligned with the regulariser shows a lower harmful score after user fine-tuning on data that contains harmful samples than one aligned by supervised training only. Accuracy on the user's downstream task stays about the same.",
  formula: String.raw`\min_w\ f(w)+\lambda\Big[h(w)-h\Big(w-\alpha\,\frac{\nabla h(w)}{\|\nabla h(w)\|}\Big)\Big]`,
  exports: ["optim: normalizedPerturbation", "unlearning: boosterStep", "unlearning: harmfulScore"],
};
