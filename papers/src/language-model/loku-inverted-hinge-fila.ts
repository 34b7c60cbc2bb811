import type { Card } from "../card.ts";

export const card: Card = {
  number: 124,
  slug: "loku-inverted-hinge-fila",
  title: "Towards Robust and Parameter-Efficient Knowledge Unlearning for LLMs",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2408.06621",
  link: "https://arxiv.org/abs/2408.06621",
  code: "https://github.com/csm9493/efficient-llm-unlearning",
  summary:
    "Unlearning is done with low-rank adapters and an inverted hinge loss, which lowers the true token's probability against the strongest other token and loses its gradient once the true token is unlikely. The adapters start from the leading singular directions of the weights after rows are weighted by the ratio of forget to retain Fisher information. The base weight is corrected so that the starting function is unchanged; retained data keep their cross-entropy loss.",
  claim:
    "The inverted hinge loss with the Fisher-weighted adapter start removes target knowledge and harms retained knowledge and fluency less than gradient ascent. It also unlearns faster than adapters with the standard LoRA start.",
  formula: String.raw`L_{IHL}=\max\big(0,\,1+p_y-\max_{v\ne y}p_v\big),\quad \operatorname{diag}(\omega)W\approx USV^\top,\quad \omega_i=\sqrt{\textstyle\sum_j F^f_{ij}/F^r_{ij}}`,
  exports: [
    "losses/unlearning: invertedHinge",
    "losses/unlearning: gradientAscent",
    "losses/unlearning: gradientDifference",
    "diagnostics: fisherDiagonal",
    "nn: filaInit",
  ],
};
