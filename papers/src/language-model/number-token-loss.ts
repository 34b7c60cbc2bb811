import type { Card } from "../card.ts";

export const card: Card = {
  number: 45,
  slug: "number-token-loss",
  title: "Regress, Don't Guess -- A Regression-like Loss on Number Tokens for Language Models",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2411.02083",
  link: "https://arxiv.org/abs/2411.02083",
  code: "https://github.com/tum-ai/number-token-loss",
  summary:
    "At positions whose label is a digit, the output is renormalised over the digit tokens and compared with the label's numerical value. The penalty is either the squared error of the expected digit or the Wasserstein distance, the expected absolute difference to the label. It is added to cross-entropy with a weight λ and needs no new head.",
  claim:
    "A language model trained with the number-token term makes smaller numeric errors than with cross-entropy alone, and in many cases more exact matches, on an unchanged architecture. The Wasserstein variant performs at least as well as the squared error of the mean.",
  formula: String.raw`\mathcal L=\mathcal L_{\text{CE}}+\lambda\operatorname*{mean}_{\text{digit positions}}\sum_j\hat p_j\,|v_j-y|,\qquad \hat p=\operatorname{softmax}(z_D)`,
  exports: [
    "losses/lm:numberTokenLoss",
    "numeric:wasserstein1d",
    "metrics:numericMAE",
    "metrics:numericR2",
    "metrics:exactMatch",
  ],
};
