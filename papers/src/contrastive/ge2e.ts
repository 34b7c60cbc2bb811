import type { Card } from "../card.ts";

export const card: Card = {
  number: 137,
  slug: "ge2e",
  title: "Generalized End-to-End Loss for Speaker Verification",
  year: 2017,
  family: "contrastive",
  kind: "objective",
  arxiv: "1710.10467",
  link: "https://arxiv.org/abs/1710.10467",
  summary:
    "Each batch holds M utterances of N speakers, and each utterance embedding is compared by scaled cosine with the centroids of all N speakers. The centroid of the own speaker leaves the scored utterance out. A softmax form uses all centroids, while a contrast form uses the own one and the hardest impostor; scale and offset are learned.",
  claim:
    "Comparing each utterance with all speaker centroids of the batch gives a lower equal error rate on unseen speakers than the tuple-based loss, where an update involves a single centroid. It also needs fewer updates to get there.",
  formula: String.raw`L_{ji}=-S_{ji,j}+\log\sum_k e^{S_{ji,k}},\quad S_{ji,k}=\begin{cases}w\cos(e_{ji},c_j^{(-i)})+b&k=j\\w\cos(e_{ji},c_k)+b&k\ne j\end{cases}`,
  exports: ["ge2e", "te2e", "centroidSimilarity", "equalErrorRate", "classBalancedBatches"],
};
