import type { Card } from "../card.ts";

export const card: Card = {
  number: 95,
  slug: "squentropy",
  title: "Cut your Losses with Squentropy",
  year: 2023,
  family: "classification",
  kind: "objective",
  arxiv: "2302.03952",
  link: "https://arxiv.org/abs/2302.03952",
  summary:
    "A classification loss that adds to cross-entropy the average squared logit over the incorrect classes. This draws wrong logits to about zero and leaves the true logit free to grow, so adding a constant to all logits is no longer without effect. There is no extra hyper-parameter, and probabilities come from the softmax as usual.",
  claim:
    "Replacing cross-entropy or the rescaled square loss by squentropy raises test accuracy, lowers the expected calibration error and narrows the spread over random initialisations. The learning rate found for cross-entropy can be kept.",
  formula: String.raw`\ell=-\log\frac{e^{f_y}}{\sum_je^{f_j}}+\frac1{C-1}\sum_{j\ne y}f_j^2`,
  exports: ["squentropy", "rescaledSquare", "ece", "reliabilityDiagram"],
};
