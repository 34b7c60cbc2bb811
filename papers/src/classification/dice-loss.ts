import type { Card } from "../card.ts";

export const card: Card = {
  number: 28,
  slug: "dice-loss",
  title: "Dice Loss for Data-imbalanced NLP Tasks",
  year: 2019,
  family: "classification",
  kind: "objective",
  arxiv: "1911.02855",
  link: "https://arxiv.org/abs/1911.02855",
  code: "https://github.com/ShannonAI/dice_loss_for_NLP",
  summary:
    "Cross-entropy is replaced by one minus a smoothed Dice coefficient between predicted probability and label, a soft counterpart of F1. In the self-adjusting form the probability p is multiplied by (1-p)^α, which damps examples that are already easy. The exponent must be small in practice, because for a positive the loss rises again beyond p = 1/(1+α).",
  claim:
    "Where positives are rare, as in tagging and span extraction, the self-adjusting Dice loss gives higher F1 than cross-entropy, weighted cross-entropy and focal loss. The gain is attributed to an objective that resembles F1 and to the lower weight of easy negatives.",
  formula: String.raw`\mathcal L_{\text{DSC}}=1-\frac{2(1-p)^\alpha p\,y+\gamma}{(1-p)^\alpha p+y+\gamma}`,
  exports: [
    "losses/classification: softDice",
    "losses/classification: tverskyLoss",
    "data/casing: lowercaseTagging",
  ],
};
