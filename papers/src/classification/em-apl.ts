import type { Card } from "../card.ts";

export const card: Card = {
  number: 38,
  slug: "em-apl",
  title: "Acknowledging the Unknown for Multi-label Learning with Single Positive Labels",
  year: 2022,
  family: "classification",
  kind: "objective",
  arxiv: "2203.16219",
  link: "https://arxiv.org/abs/2203.16219",
  code: "https://github.com/Correr-Zhou/SPML-AckTheUnknown",
  summary:
    "Each training example has one known positive label and all others are unknown. The known label gets the usual log loss, and unknown labels are pushed gently toward higher entropy instead of being treated as negatives. After a warm-up, the lowest-scoring unknown entries of each class are stored as soft negative pseudo-labels in every epoch, and no positive ones are made.",
  claim:
    "With a single observed positive per example, entropy maximisation on unknown labels raises mAP over assuming that they are negative. Adding cautious negative pseudo-labels raises it further, toward training with full labels.",
  formula: String.raw`\mathcal L_{\text{EM}}=\frac1{BC}\sum_{i,c}\left(-\mathbb 1[s_{ic}=1]\log p_{ic}-\mathbb 1[s_{ic}=0]\,\alpha H(p_{ic})\right)`,
  exports: [
    "losses/multilabel:assumeNegative",
    "losses/multilabel:entropyMaximization",
    "losses/multilabel:softPseudoLabel",
    "negatives/pseudo:asymmetricPseudoLabels",
    "metrics:meanAveragePrecision",
  ],
};
