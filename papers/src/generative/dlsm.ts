import type { Card } from "../card.ts";

export const card: Card = {
  number: 10,
  slug: "dlsm",
  title: "Denoising Likelihood Score Matching for Conditional Score-based Data Generation",
  year: 2022,
  family: "generative",
  kind: "objective",
  arxiv: "2203.14206",
  link: "https://arxiv.org/abs/2203.14206",
  code: "https://github.com/chen-hao-chao/dlsm",
  summary:
    "A score network is trained without labels and frozen, and then a classifier conditioned on the noise level is trained for guidance. Instead of cross-entropy alone, the classifier's input gradient plus the frozen score must match the denoising target, which needs a double backward pass. A cross-entropy term is kept to anchor the class probabilities, and sampling uses the sum of both scores.",
  claim:
    "Training the guidance classifier to match the likelihood score lowers the error of the conditional score compared with a classifier trained by cross-entropy, scaled or not, and improves conditional samples. A cross-entropy classifier can have wrong input gradients even when its accuracy is high.",
  formula: String.raw`\mathcal L_{\text{DLSM}}=\tfrac12\,\mathbb E\,\lambda(\sigma)\left\lVert\nabla_{\tilde x}\log p_\theta(y|\tilde x)+s_\phi(\tilde x,\sigma)+\frac{z}{\sigma}\right\rVert^2,\quad \tilde x=x+\sigma z`,
  exports: ["generative/score: dlsmLoss", "generative/score: guidedScore", "generative/score: vePcSampler"],
};
