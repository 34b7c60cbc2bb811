import type { Card } from "../card.ts";

export const card: Card = {
  number: 64,
  slug: "ngame",
  title: "NGAME: Negative Mining-aware Mini-batching for Extreme Classification",
  year: 2022,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2207.04452",
  link: "https://arxiv.org/abs/2207.04452",
  code: "https://github.com/Extreme-classification/ngame",
  summary:
    "Composes mini-batches from clusters of similar queries, so that ordinary in-batch negatives become hard ones at little extra cost. At intervals all training queries are embedded and split by balanced hierarchical 2-means; a batch joins several random clusters, whose size grows by a curriculum. A siamese encoder learns with a triplet loss on its hardest in-batch negatives, and classifiers per label follow.",
  claim:
    "In extreme multi-label classification, clustered batches make siamese encoders converge sooner and reach a higher final precision@k than random batches with in-batch negatives. Precision is on a par with global hard-negative mining in the style of ANCE, which costs far more.",
  formula: String.raw`L=\operatorname*{mean}_{i,j}\ \ell_{ij}\,\operatorname{softmax}_j\!\big(s_{ij^-}\mathbf 1[\ell_{ij}>0]/0.1\big),\quad\ell_{ij}=[s_{ij^-}-s_i^++\gamma]_+`,
  exports: [
    "negatives/batching:balancedClusters",
    "negatives/batching:ngameBatches",
    "negatives/batching:curriculum",
    "losses/metric:tripletTopK",
    "metrics:precisionAtK",
    "metrics:propensityPrecision",
  ],
};
