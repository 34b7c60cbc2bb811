import type { Card } from "../card.ts";

export const card: Card = {
  number: 131,
  slug: "forgetting-negative-tokens",
  title: "Forgetting: A New Mechanism Towards Better Large Language Model Fine-tuning",
  year: 2025,
  family: "language-model",
  kind: "objective",
  arxiv: "2508.04329",
  link: "https://arxiv.org/abs/2508.04329",
  code: "https://github.com/AliTaheri2002/Forgetting-A-New-Mechanism-Towards-Better-Large-Language-Model-Fine-tuning",
  summary:
    "A reference model is tuned on a small separate subset, and each response token of the main set is scored by how far its cross-entropy falls from the base model to the reference. The top share of tokens over the corpus is trained as usual. The remaining tokens get their loss ascended, with a weight that grows linearly during training from almost zero.",
  claim:
    "Learning the high-score tokens and actively unlearning the low-score ones gives higher fine-tuned accuracy than supervised fine-tuning on all tokens. It also does better than leaving the low-score tokens out of the loss.",
  formula: String.raw`L=\frac1{|P_b|}\sum_{t\in P_b}\ell_t-\lambda(s)\frac1{|N_b|}\sum_{t\in N_b}\ell_t,\quad \lambda(s)=\lambda_{min}+(\lambda_{max}-\lambda_{min})\frac sS`,
  exports: [
    "losses/token: signedTokenLoss",
    "likelihood: influenceScores",
    "data: partitionTokens",
    "optim: linearRamp",
  ],
};
