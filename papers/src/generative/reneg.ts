import type { Card } from "../card.ts";

export const card: Card = {
  number: 42,
  slug: "reneg",
  title: "ReNeg: Learning Negative Embedding with Reward Guidance",
  year: 2024,
  family: "generative",
  kind: "algorithm",
  arxiv: "2412.19637",
  link: "https://arxiv.org/abs/2412.19637",
  code: "https://github.com/AMD-AIG-AIMA/ReNeg",
  summary:
    "In classifier-free guidance the embedding of the negative branch is made the only trainable parameter, while the generator stays frozen. A sample is denoised without gradient to a random late step, one guided prediction of the clean image is scored by a reward model, and the embedding follows the reward gradient. It may be one global vector or be adapted further per prompt.",
  claim:
    "A negative embedding learned from reward gradients gives higher reward than the null embedding and than hand-written negative prompts, with the generator unchanged. The learned vector transfers to other generators that share the same text-embedding space.",
  formula: String.raw`n^*=\arg\max_n\;\mathbb E\,R(\hat x_0(n),c),\qquad \hat\epsilon=\epsilon_\theta(x_t,n)+w\left[\epsilon_\theta(x_t,c)-\epsilon_\theta(x_t,n)\right]`,
  exports: [
    "generative/guidance:cfg",
    "generative/guidance:learnNegativeEmbedding",
    "generative/diffusion:ddim",
  ],
};
