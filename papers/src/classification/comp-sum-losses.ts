import type { Card } from "../card.ts";

export const card: Card = {
  number: 80,
  slug: "comp-sum-losses",
  title: "Cross-Entropy Loss Functions: Theoretical Analysis and Applications",
  year: 2023,
  family: "classification",
  kind: "bound",
  arxiv: "2304.07288",
  link: "https://arxiv.org/abs/2304.07288",
  summary:
    "Analyses a one-parameter family of losses, called comp-sum, that contains the sum-exponential loss, cross-entropy, generalised cross-entropy and mean absolute error. For each member a bound specific to the hypothesis set converts excess surrogate risk into excess 0/1 risk. A smooth adversarial version adds a penalty on how far score differences shift within the perturbation ball.",
  claim:
    "For each comp-sum loss, excess 0/1 risk is at most an explicit, tight function of the excess surrogate risk, both taken with their minimisability gaps. Adversarial training with the smooth version has higher robust accuracy than TRADES without a loss of clean accuracy.",
  formula: String.raw`\ell_\tau=\begin{cases}\dfrac{(1+u)^{1-\tau}-1}{1-\tau}&\tau\ne1\\\log(1+u)&\tau=1\end{cases},\quad u=\sum_{y'\ne y}e^{h(x,y')-h(x,y)}`,
  exports: [
    "compSum",
    "generalizedCrossEntropy",
    "mae",
    "compSumTransform",
    "compSumInverse",
    "advCompSum",
    "trades",
    "pgd",
  ],
};
