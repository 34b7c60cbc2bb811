import type { Card } from "../card.ts";

export const card: Card = {
  number: 68,
  slug: "clipn",
  title: "CLIPN for Zero-Shot OOD Detection: Teaching CLIP to Say No",
  year: 2023,
  family: "negation",
  kind: "model",
  arxiv: "2308.12213",
  link: "https://arxiv.org/abs/2308.12213",
  code: "https://github.com/xmed-lab/CLIPN",
  summary:
    "Adds to a frozen CLIP a second text encoder with learnable prompts that represents the negation of a class. One loss makes an image accept its own caption and reject all others, a second pushes the affirmative and the negated text embedding apart. At test time, either the yes-probability of the winning class or the mass left for an unknown class decides whether an image is out of distribution.",
  claim:
    "Zero-shot out-of-distribution scores from the negation encoder have a higher AUROC and a lower FPR95 than maximum softmax probability, maximum logit or energy of the same CLIP, which know the in-distribution class names only. Neither out-of-distribution data nor thresholds tuned on them are used.",
  formula: String.raw`S_{\mathrm{ATD}}=\sum_j\pi_jp_j^{\text{yes}},\quad\pi=\operatorname{softmax}(z),\quad p_j^{\text{yes}}=\sigma(z_j-z_j^{\text{no}})`,
  exports: [
    "losses/negation:binaryOpposite",
    "losses/negation:semanticOpposite",
    "uncertainty/ood:ctwScore",
    "uncertainty/ood:atdScore",
    "uncertainty/ood:mspScore",
    "uncertainty/ood:maxLogit",
    "uncertainty/ood:energyScore",
    "nn/dual:noTextEncoder",
    "metrics:fprAtTpr",
  ],
};
