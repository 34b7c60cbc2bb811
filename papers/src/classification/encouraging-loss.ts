import type { Card } from "../card.ts";

export const card: Card = {
  number: 111,
  slug: "encouraging-loss",
  title: "Well-classified Examples are Underestimated in Classification with Deep Neural Networks",
  year: 2021,
  family: "classification",
  kind: "objective",
  arxiv: "2110.06537",
  link: "https://arxiv.org/abs/2110.06537",
  code: "https://github.com/lancopku/well-classified-examples-are-underestimated",
  summary:
    "The encouraging loss adds a bonus log(1-p) to cross-entropy, where p is the probability of the true class, so the pull on the true logit stays constant instead of fading as p grows. Past a chosen end point LE the bonus curve is replaced by its tangent, which keeps the loss finite. It replaces cross-entropy directly and needs no change to the model.",
  claim:
    "Cross-entropy plus the bonus gives larger margins and higher accuracy than cross-entropy alone. It also improves accuracy on imbalanced data and the detection of out-of-distribution inputs, because already correct samples keep contributing gradient.",
  formula: String.raw`L=-\log p+b(p),\quad b(p)=\begin{cases}\log(1-p)&p\le\mathrm{LE}\\-\frac{p-\mathrm{LE}}{1-\mathrm{LE}}+\log(1-\mathrm{LE})&p>\mathrm{LE}\end{cases}`,
  exports: [
    "losses/classification: encouragingLoss",
    "losses/classification: bonus",
    "losses/classification: logOneMinusSoftmax",
    "metrics: logitMargin",
    "metrics: energyScore",
    "metrics: fpr95",
  ],
};
