import type { Card } from "../card.ts";

export const card: Card = {
  number: 54,
  slug: "class-dependent-pruning",
  title: "Class-dependent Compression of Deep Neural Networks",
  year: 2019,
  family: "compression",
  kind: "algorithm",
  arxiv: "1909.10364",
  link: "https://arxiv.org/abs/1909.10364",
  summary:
    "Iterative lottery-ticket pruning (train, prune a fraction of the weights, rewind the survivors, repeat) whose loss knows which class matters: class-weighted cross-entropy is combined with a squared-hinge ranking term that stands in for AUC. If validation false negatives exceed those of the dense network, the weight of the critical class is raised before the next round.",
  claim:
    "Pruning with the class-aware loss keeps the number of false negatives on the critical class near or below that of the dense network, up to about 99% sparsity. Compared with lottery-ticket pruning under plain cross-entropy, AUC is higher, at the price of more false positives.",
  formula: String.raw`L=-\tfrac1B\sum_i\big[w_+y_i\log\sigma(z_i)+w_-(1-y_i)\log(1-\sigma(z_i))\big]+\tfrac{\eta}{|P||N|}\sum_{i\in P,j\in N}[\Delta-(z_i-z_j)]_+^2`,
  exports: [
    "compression/lottery:iterativePrune",
    "compression:applyMask",
    "losses/classification:weightedBCE",
    "losses/ranking:squaredHingeAUC",
    "metrics:fnrAtFpr",
  ],
};
