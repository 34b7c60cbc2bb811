import type { Card } from "../card.ts";

export const card: Card = {
  number: 115,
  slug: "clusterns",
  title: "Clustering-Aware Negative Sampling for Unsupervised Sentence Representation",
  year: 2023,
  family: "contrastive",
  kind: "sampler",
  arxiv: "2305.09892",
  link: "https://arxiv.org/abs/2305.09892",
  code: "https://github.com/djz233/ClusterNS",
  summary:
    "Mini-batch k-means with momentum centroids runs alongside dropout-view contrastive training of sentence embeddings. The second most similar centroid of each sentence enters the softmax as an additional hard negative. Batch mates in the same cluster count as likely false negatives, and a two-sided margin loss keeps their similarity gap to the positive inside a band.",
  claim:
    "Centroid hard negatives together with the margin loss on same-cluster sentences raise the Spearman correlation on semantic textual similarity above unsupervised SimCSE. The comparison uses the same dropout views and in-batch negatives.",
  formula: String.raw`L=L_{cl}+w\,L_{bml},\quad L_{bml}=\operatorname{ReLU}(\Delta_{ij}+\alpha)+\operatorname{ReLU}(-\Delta_{ij}-\beta),\quad \Delta_{ij}=s(h_i,h_j^+)-s(h_i,h_i^+)`,
  exports: [
    "negatives: OnlineSphericalKMeans",
    "losses/contrastive: bidirectionalMargin",
    "metrics: spearman",
  ],
};
