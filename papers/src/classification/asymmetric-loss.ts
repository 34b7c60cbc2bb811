import type { Card } from "../card.ts";

export const card: Card = {
  number: 19,
  slug: "asymmetric-loss",
  title: "Asymmetric Loss For Multi-Label Classification",
  year: 2020,
  family: "classification",
  kind: "objective",
  arxiv: "2009.14119",
  link: "https://arxiv.org/abs/2009.14119",
  code: "https://github.com/Alibaba-MIIL/ASL",
  summary:
    "A sigmoid loss for multi-label data treats positives and negatives differently: negatives get a larger focusing exponent and their probability is shifted down by a margin m and cut at zero. Negatives below m therefore give no loss at all. For a negative predicted very close to 1 the gradient falls again, since such a label is probably wrong.",
  claim:
    "When few of many labels are positive, the asymmetric loss reaches higher mAP than binary cross-entropy and symmetric focal loss. It is also claimed to suffer less when positive labels are missing from the training data.",
  formula: String.raw`\mathcal L=-\sum_k\left[y_k(1-p_k)^{\gamma_+}\log p_k+(1-y_k)\,p_{m,k}^{\gamma_-}\log(1-p_{m,k})\right],\quad p_{m,k}=\max(p_k-m,0)`,
  exports: ["losses/classification: asymmetricLoss", "metrics: meanAveragePrecision", "metrics: macroF1"],
};
