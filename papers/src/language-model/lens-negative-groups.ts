import type { Card } from "../card.ts";

export const card: Card = {
  number: 165,
  slug: "lens-negative-groups",
  title: "Don't Waste Mistakes: Leveraging Negative RL-Groups via Confidence Reweighting",
  year: 2025,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2510.08696",
  link: "https://arxiv.org/abs/2510.08696",
  summary:
    "LENS changes the reward of GRPO so that a prompt whose sampled answers are all wrong still gives a gradient. Each wrong answer gets a small penalty that grows with the model's own confidence in it, measured as the geometric mean of its token probabilities, following the maximum-likelihood gradient of a correctness model. All-wrong groups are centred only and enter the objective with a reduced weight.",
  claim:
    "Penalising wrong answers in proportion to the model's odds of them lets GRPO learn from groups without a single correct answer, which otherwise contribute no gradient. Pass@k rises over GRPO, mostly on hard prompts.",
  formula: String.raw`\tilde r_i=r_i-(1-r_i)\,\frac1G\,\frac{\bar\pi_i}{D-\bar\pi_i},\qquad \bar\pi_i=\pi_{\text{old}}(o_i\mid q)^{1/|o_i|}`,
  exports: ["lensRewards", "lensAdvantages", "lensWeight"],
};
