import type { Card } from "../card.ts";

export const card: Card = {
  number: 52,
  slug: "simplex-ccl",
  title: "SimpleX: A Simple and Strong Baseline for Collaborative Filtering",
  year: 2021,
  family: "contrastive",
  kind: "objective",
  arxiv: "2109.12613",
  link: "https://arxiv.org/abs/2109.12613",
  code: "https://reczoo.github.io/SimpleX",
  summary:
    "Scores users and items by cosine similarity and trains with a cosine contrastive loss: the positive item is drawn towards similarity 1, and only those sampled negatives whose similarity exceeds a margin m are pushed away, with total weight w. On plain matrix factorisation this is MF-CCL; SimpleX also blends an aggregate of the user's recent items into the user vector.",
  claim:
    "In implicit-feedback recommendation, the choice of loss and the number of negatives count as much as the encoder. Matrix factorisation trained with the cosine contrastive loss and many negatives reaches higher Recall@20 and NDCG@20 than with BPR, binary cross-entropy, sampled softmax, pairwise hinge or squared error on the same model.",
  formula: String.raw`L=(1-\hat y_{ui})+\frac{w}{|N|}\sum_{j\in N}\max(0,\hat y_{uj}-m)`,
  exports: [
    "losses/contrastive:cosineContrastive",
    "losses/ranking:bpr",
    "losses/ranking:sampledSoftmax",
    "losses/ranking:pairwiseHinge",
    "negatives/samplers:uniformItems",
    "nn:matrixFactorization",
    "nn:behaviourAggregation",
    "metrics:recallAtK",
    "metrics:ndcgAtK",
  ],
};
