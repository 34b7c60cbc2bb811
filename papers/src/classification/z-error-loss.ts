import type { Card } from "../card.ts";

export const card: Card = {
  number: 81,
  slug: "z-error-loss",
  title: "Z-Error Loss for Training Neural Networks",
  year: 2025,
  family: "classification",
  kind: "objective",
  arxiv: "2506.02154",
  link: "https://arxiv.org/abs/2506.02154",
  summary:
    "Masks in each mini-batch the samples whose error is an outlier by z-score, computed from that batch's mean and standard deviation, and averages the loss over the remainder. The threshold τ may be tightened during training. For classification the z-score is taken within each class on logits or probabilities, and frequent masking marks a row as suspicious.",
  claim:
    "Leaving out batch outliers keeps bad labels from steering training, so test error on contaminated data falls below that of plain squared error or cross-entropy. The masks also point to the bad rows. The source is a technical note without large experiments.",
  formula: String.raw`L=\frac{\sum_im_ie_i^2}{\sum_im_i+\epsilon},\quad m_i=\mathbf 1\big[|z_i|\le\tau\big],\quad z_i=\frac{e_i-\mu}{\sigma+\epsilon}`,
  exports: ["zErrorMask", "zErrorMSE", "zErrorCE", "trimmedLoss"],
};
