import type { Card } from "../card.ts";

export const card: Card = {
  number: 175,
  slug: "cross-gradient-descent",
  title: "Beyond Log-Concavity: Theory and Algorithm for Sum-Log-Concave Optimization",
  year: 2023,
  family: "theory",
  kind: "algorithm",
  arxiv: "2309.15298",
  link: "https://arxiv.org/abs/2309.15298",
  code: "https://github.com/mastane/TheXCB",
  summary:
    "The paper studies minimisation of the negative log of a sum of log-concave terms, which is not convex. It introduces the cross-gradient, a mix of the gradients of the terms with posterior weights taken at a second, reference point, and an algorithm that steps along it. Checkered regression uses this form: a product of tanh units over several hyperplanes gives the class probability.",
  claim:
    "Such functions obey convexity-like inequalities with a KL correction term, and the cross-gradient gives the sharper one. Descent along the cross-gradient has a convergence guarantee. Checkered regression separates checkerboard classes that logistic regression cannot separate.",
  formula: String.raw`F(y)\ge F(x)+g(x;y)^\top(y-x)+\operatorname{KL}\big(q(y)\Vert q(x)\big),\qquad g(x;y)=\sum_{s}q_s(y)\,\nabla\ell_s(x)`,
  exports: [
    "theory/sum-log-concave: crossGradient",
    "theory/sum-log-concave: xgd",
    "theory/sum-log-concave: convexityGap",
    "losses/classification: checkeredLogProb",
    "losses/classification: checkeredCrossGrad",
    "losses/classification: checkeredSoftmax",
  ],
};
