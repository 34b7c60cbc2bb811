import type { Card } from "../card.ts";

export const card: Card = {
  number: 152,
  slug: "sovr",
  title: "One-vs-the-Rest Loss to Focus on Important Samples in Adversarial Training",
  year: 2022,
  family: "classification",
  kind: "objective",
  arxiv: "2207.10283",
  link: "https://arxiv.org/abs/2207.10283",
  summary:
    "During adversarial training the samples of a mini-batch are sorted by the logit margin of their adversarial examples. The fraction with the smallest margins is trained with a one-vs-rest logistic loss over all logits, weighted by λ, and the others with cross-entropy. The selection itself carries no gradient.",
  claim:
    "Switching small-margin samples to the one-vs-rest loss increases their logit margins and gives higher accuracy under an ensemble of attacks than cross-entropy adversarial training. Methods that only reweight cross-entropy towards such samples shrink margins elsewhere and fail under strong attacks.",
  formula: String.raw`L=\frac1{|B|}\Big[\sum_{S}\ell_{CE}+\lambda\sum_{\text{small }LM}\ell_{OVR}\Big],\quad \ell_{OVR}(z,y)=\log(1+e^{-z_y})+\sum_{k\ne y}\log(1+e^{z_k})`,
  exports: [
    "oneVsRest",
    "sovr",
    "mailWeights",
    "gairatWeights",
    "pgd",
    "dlrLoss",
    "squareAttack",
    "attackEnsemble",
    "logitMargins",
  ],
};
