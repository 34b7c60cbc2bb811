import type { Card } from "../card.ts";

export const card: Card = {
  number: 170,
  slug: "cog-attention",
  title: "More Expressive Attention with Negative Weights",
  year: 2024,
  family: "language-model",
  kind: "model",
  arxiv: "2411.07176",
  link: "https://arxiv.org/abs/2411.07176",
  code: "https://github.com/trestad/CogAttn",
  summary:
    "Cog Attention lets attention weights be negative: each weight takes its sign from the scaled dot product of query and key, and its size from a softmax over the absolute values of these products. Masked positions are removed after taking the absolute value, and only the magnitudes sum to 1. In the released models the outermost two layers stay with standard attention.",
  claim:
    "With signed weights one head can both add and delete information, which softmax attention cannot do. Language models of equal size reach a lower loss than with softmax attention. Representational collapse is also reduced.",
  formula: String.raw`A=\operatorname{sign}(P)\odot\operatorname{softmax}(|P|),\qquad P=\frac{QK^\top}{\sqrt{d_h}}`,
  exports: ["signedSoftmax", "Attention", "representationCollapse", "negativeMass"],
};
