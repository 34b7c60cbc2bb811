import type { Card } from "../card.ts";

export const card: Card = {
  number: 108,
  slug: "qcrd-contrastive-rationale-distillation",
  title: "QCRD: Quality-guided Contrastive Rationale Distillation for Large Language Models",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2405.13014",
  link: "https://arxiv.org/abs/2405.13014",
  summary:
    "A small student learns to predict labels and to write rationales, with teacher rationales filtered by majority vote as positives. Negatives are rejected teacher samples plus high-temperature samples from an earlier student checkpoint. A discriminator, updated at intervals, scores each rationale and weights a contrastive loss that pushes a negative's cross-entropy up only until it reaches δ.",
  claim:
    "Adding the quality-weighted contrastive term against low-quality self-generated rationales raises the student's answer accuracy above multi-task distillation that uses positive rationales only. Training on labels alone is the second baseline it is compared with.",
  formula: String.raw`L_{cl}=D(x,r^+_*)\,\ell(x,r^+_*)-\beta\,\big(1-D(x,r^-_*)\big)\min\big(\ell(x,r^-_*)-\delta,\,0\big)`,
  exports: [
    "losses/distill: contrastiveRationale",
    "language: selfConsistency",
    "nn: TextDiscriminator",
    "optim: SnapshotRing",
  ],
};
