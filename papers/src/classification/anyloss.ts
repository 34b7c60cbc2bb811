import type { Card } from "../card.ts";

export const card: Card = {
  number: 148,
  slug: "anyloss",
  title: "AnyLoss: Transforming Classification Metrics into Loss Functions",
  year: 2024,
  family: "classification",
  kind: "objective",
  arxiv: "2405.14745",
  link: "https://arxiv.org/abs/2405.14745",
  code: "https://github.com/doheonhan/anyloss_extension",
  summary:
    "Predicted probabilities pass through a very steep sigmoid centred at 0.5, which makes them almost 0 or 1 but keeps a gradient. Their sums give a soft confusion matrix of the batch, and one minus any metric built from it becomes the training loss. Accuracy, F-beta, geometric mean and balanced accuracy are examples for binary classifiers.",
  claim:
    "Training directly on a metric through the amplified confusion matrix gives a higher value of that metric than binary cross-entropy. The advantage is largest on imbalanced data.",
  formula: String.raw`A(p)=\frac1{1+e^{-L(p-0.5)}},\ L=73,\qquad L_{F_\beta}=1-\frac{(1+\beta^2)\,TP}{(1+\beta^2)\,TP+\beta^2FN+FP},\quad TP=\sum_i y_iA(p_i)`,
  exports: ["anyLoss", "softConfusion", "fromConfusion", "sol"],
};
