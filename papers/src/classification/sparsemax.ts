import type { Card } from "../card.ts";

export const card: Card = {
  number: 70,
  slug: "sparsemax",
  title: "From Softmax to Sparsemax: A Sparse Model of Attention and Multi-Label Classification",
  year: 2016,
  family: "classification",
  kind: "objective",
  arxiv: "1602.02068",
  link: "https://arxiv.org/abs/1602.02068",
  summary:
    "Turns scores into probabilities by Euclidean projection onto the simplex, which sets low scores to exactly zero. The threshold τ follows from a sort and cumulative sums, and gradients pass only through the support. A matching convex, smooth loss has the gradient sparsemax(z) minus the target and is zero once the right score leads all others by at least 1.",
  claim:
    "With its own loss, sparsemax matches or beats softmax with logistic loss on multi-label tasks, measured by micro and macro F1 and by divergence from the true label proportions. Used in attention, it puts weight on far fewer positions than softmax without losing accuracy.",
  formula: String.raw`\operatorname{sparsemax}(z)=\operatorname*{arg\,min}_{p\in\Delta^{K-1}}\|p-z\|^2=[z-\tau(z)]_+`,
  exports: ["sparsemax", "sparsemaxLoss", "attend"],
};
