import type { Card } from "../card.ts";

export const card: Card = {
  number: 72,
  slug: "u2-regression",
  title: "Regression with Sensor Data Containing Incomplete Observations",
  year: 2023,
  family: "classification",
  kind: "objective",
  arxiv: "2304.13415",
  link: "https://arxiv.org/abs/2304.13415",
  summary:
    "Regression for labels that are sometimes silently too low. Points whose label lies above the current prediction are trusted, and all others are treated as unlabelled, since the loss on that side is chosen with a slope g that ignores the label. From both parts the gradient for clean labels is rebuilt with one constant, the fraction β of complete observations.",
  claim:
    "If some labels are corrupted downwards independently of the input, regression with squared, absolute or Huber loss is biased low. The gradient from upper labels and unlabelled inputs equals in expectation that of training on clean labels, which lowers the mean absolute error against clean labels.",
  formula: String.raw`\hat\nabla=\frac1n\sum_ig\,\nabla f(x_i)+\frac1{\beta n}\sum_{i:\,y'_i\ge f(x_i)}\big(\partial_f\ell(f,y'_i)-g\big)\nabla f(x_i)`,
  exports: ["u2Loss", "pinballLoss", "huberLoss", "incompleteObservations"],
};
