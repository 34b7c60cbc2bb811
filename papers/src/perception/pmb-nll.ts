import type { Card } from "../card.ts";

export const card: Card = {
  number: 41,
  slug: "pmb-nll",
  title: "Object Detection as Probabilistic Set Prediction",
  year: 2022,
  family: "perception",
  kind: "score",
  arxiv: "2203.07980",
  link: "https://arxiv.org/abs/2203.07980",
  code: "https://github.com/georghess/pmb-nll",
  summary:
    "A detector's output is treated as a random finite set: Bernoulli components with existence, class and box densities, plus a Poisson process for objects that no component explains. The score is the negative log-likelihood of the ground-truth set, summed over assignments, of which the best few are found with Murty's algorithm. It needs no score threshold and can also be used as a training loss.",
  claim:
    "Judged by the likelihood of a Poisson multi-Bernoulli set density, a proper score without thresholds, detectors tuned for mAP do badly. Fine-tuning on that likelihood improves their probabilistic quality, compared with training by matched likelihood or energy score.",
  formula: String.raw`\operatorname{NLL}(Y)=\bar\lambda-\log\sum_\theta\prod_{(k,i)\in\theta}r_kp_k(c_i)g_k(b_i)\prod_{k\notin\theta}(1-r_k)\prod_{i\notin\theta}\lambda(b_i,c_i)`,
  exports: [
    "likelihood/pointProcess:pmbNLL",
    "inference/assignment:hungarian",
    "inference/assignment:murtyKBest",
    "losses/detection:pmbLoss",
  ],
};
