import type { Card } from "../card.ts";

export const card: Card = {
  number: 188,
  slug: "hard-instance-probing",
  title: "FocalFormer3D : Focusing on Hard Instance for 3D Object Detection",
  year: 2023,
  family: "perception",
  kind: "algorithm",
  arxiv: "2308.04556",
  link: "https://arxiv.org/abs/2308.04556",
  code: "https://github.com/NVlabs/FocalFormer3D",
  summary:
    "FocalFormer3D picks object queries for 3D detection in several stages on bird's-eye-view heatmaps. Each stage masks the cells already selected, takes the best remaining peaks as new queries, and is trained only on objects that earlier stages missed. All queries then go to a transformer decoder that refines boxes.",
  claim:
    "Choosing queries in stages that ignore what was already found raises recall of hard instances over one-stage heatmap selection with an equal budget of queries. The mean average precision rises in consequence.",
  formula: String.raw`\hat S_k=S_k\odot(1-M_k),\qquad M_{k+1}=\max\big(M_k,\ \operatorname{mask}(\operatorname{top}_{N_q}\hat S_k)\big),\quad M_1=0`,
  exports: [
    "nn/detection: hardInstanceProbing",
    "nn/detection: gaussianFocalLoss",
    "nn/detection: drawGaussian",
    "nn/detection: topKHeatmap",
    "nn/detection: hungarian",
    "negatives/probing: probeMisses",
    "data/scenes: bevScenes",
    "metrics/detection: recallAtQueries",
  ],
};
