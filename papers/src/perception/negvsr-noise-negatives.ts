import type { Card } from "../card.ts";

export const card: Card = {
  number: 116,
  slug: "negvsr-noise-negatives",
  title: "NegVSR: Augmenting Negatives for Generalized Noise Modeling in Real-World Video Super-Resolution",
  year: 2023,
  family: "perception",
  kind: "algorithm",
  arxiv: "2305.14669",
  link: "https://arxiv.org/abs/2305.14669",
  code: "https://github.com/NegVSR/NegVSR",
  summary:
    "Noise sequences are cut from flat windows of real video whose variance and mean stay stable over time, and are blended into the low-resolution training clips. The noisy frames are then diversified by turning small patches at random by multiples of 90 degrees. The network learns reconstruction and must also give outputs for the rotated input that agree with those for the unrotated one.",
  claim:
    "Training with extracted noise plus the patch-rotated negatives makes video super-resolution cope better with unfamiliar real degradations than training with blur and Gaussian noise. It also improves on the extracted noise used without the negative augmentation and its consistency loss.",
  formula: String.raw`L=\|G(\tilde x)-y\|_1+\lambda\,\|G(\operatorname{rot}_p(\tilde x))-\operatorname{sg}[G(\tilde x)]\|_1,\quad \tilde x_t=(1-m)x_t+m\,n_t`,
  exports: [
    "data: extractNoiseSequences",
    "data: mixNoise",
    "data: rotatePatches",
    "losses/perception: negativeGuidance",
    "nn: RecurrentSr",
    "metrics: psnr",
    "metrics: ssim",
  ],
};
