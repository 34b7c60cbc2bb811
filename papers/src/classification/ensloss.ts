import type { Card } from "../card.ts";

export const card: Card = {
  number: 155,
  slug: "ensloss",
  title: "EnsLoss: Stochastic Calibrated Loss Ensembles for Preventing Overfitting in Classification",
  year: 2024,
  family: "classification",
  kind: "algorithm",
  arxiv: "2409.00908",
  link: "https://arxiv.org/abs/2409.00908",
  code: "https://github.com/statmlben/ensLoss",
  summary:
    "EnsLoss replaces the fixed margin loss of a binary classifier by a fresh random one at every SGD step. It draws random negative derivative values with an inverse Box-Cox transform of normal noise, sorts them, and gives the most negative to the smallest margins, which keeps the implied loss convex and calibrated. Large margins get a decaying factor, and the values enter only as weights of the score gradients.",
  claim:
    "Training with a newly sampled convex, calibrated loss at each step overfits less than training with any one fixed loss such as logistic, hinge or exponential. Under the same schedule it reaches higher test accuracy than each of them.",
  formula: String.raw`\frac1B\sum_{i=1}^{B}g_i\,y_i\,\nabla_\theta f_\theta(x_i),\quad g_{(i)}=\frac{\max(-1,\,r_{(i)})}{\max(1,\,z_{(i)})},\quad r=-T_\lambda(u),\ u\sim\mathcal N(0,1)`,
  exports: ["ensLossDerivatives", "surrogateStep", "marginLosses", "inverseBoxCox"],
};
