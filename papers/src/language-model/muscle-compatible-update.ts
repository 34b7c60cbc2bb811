import type { Card } from "../card.ts";

export const card: Card = {
  number: 123,
  slug: "muscle-compatible-update",
  title: "MUSCLE: A Model Update Strategy for Compatible LLM Evolution",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2407.09435",
  link: "https://arxiv.org/abs/2407.09435",
  summary:
    "When a base model is replaced by a new version, a compatibility adapter is initialised from the new task adapter and trained further by distillation. On target tokens that the adapter currently gets wrong it follows the old task model, and on tokens it gets right it follows the new one. The token mask is recomputed at each step from the arg-max prediction.",
  claim:
    "Masked distillation lowers the rate of negative flips, items the old model solved and the updated one fails, by up to 40% compared with a plain adapter on the new base. The accuracy of the new model is kept.",
  formula: String.raw`L=\frac1n\sum_i m_i\,KL\big(\sigma(\tfrac{z_{1,i}}T)\|\sigma(\tfrac{z_{C,i}}T)\big)+(1-m_i)\,KL\big(\sigma(\tfrac{z_{2,i}}T)\|\sigma(\tfrac{z_{C,i}}T)\big),\ m_i=\mathbf 1[\arg\max z_{C,i}\ne y_i]`,
  exports: [
    "losses/distill: maskedCompatibility",
    "metrics: negativeFlipRate",
    "metrics: positiveFlipRate",
    "metrics: extendedFlipRate",
    "metrics: regressionMagnitude",
    "metrics: rouge1",
    "nn: lora",
  ],
};
