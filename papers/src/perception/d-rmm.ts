import type { Card } from "../card.ts";

export const card: Card = {
  number: 36,
  slug: "d-rmm",
  title: "End-to-End Multi-Object Detection with a Regularized Mixture Model",
  year: 2022,
  family: "perception",
  kind: "objective",
  arxiv: "2205.08714",
  link: "https://arxiv.org/abs/2205.08714",
  code: "https://github.com/lhj815/D-RMM",
  summary:
    "The detector outputs a mixture density over boxes and classes, with one Cauchy component per slot, and is trained by the likelihood of the ground-truth boxes. A second term rewards that a single component holds nearly all density of an object, which suppresses duplicates. At inference the confidence is objectness times class probability, with neither matching nor non-maximum suppression.",
  claim:
    "A detector trained only by mixture likelihood plus the term for a single dominant component works without bipartite matching and without NMS and yields fewer duplicates than the likelihood alone. Its confidences are better calibrated than those of a detector trained with Hungarian matching.",
  formula: String.raw`\mathcal L=\sum_i\Big[-\log\sum_kf_{ik}-\lambda\log\frac{\max_kf_{ik}}{\sum_kf_{ik}}\Big],\qquad f_{ik}=N\,\pi_k\,\operatorname{Cauchy}(b_i;\mu_k,\gamma_k)\,p_k(c_i)`,
  exports: [
    "losses/detection:mixtureNLL",
    "losses/detection:maximumComponent",
    "losses/detection:dRmmLoss",
    "likelihood:cauchyLogPdf",
    "data:scatteredDigits",
    "metrics:averagePrecision",
    "metrics:duplicateRate",
    "metrics:detectionECE",
    "losses/detection:hungarianSetLoss",
  ],
};
