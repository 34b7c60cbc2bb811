import type { Card } from "../card.ts";

export const card: Card = {
  number: 128,
  slug: "siglip-sigmoid-loss",
  title: "Sigmoid Loss for Language Image Pre-Training",
  year: 2023,
  family: "contrastive",
  kind: "objective",
  arxiv: "2303.15343",
  link: "https://arxiv.org/abs/2303.15343",
  code: "https://github.com/google-research/big_vision",
  summary:
    "The loss treats each image-text combination in a batch as its own yes-or-no decision and applies a logistic loss to the scaled cosine plus a bias. Scale and bias are learned, and the bias starts strongly negative so that the many non-matching pairs do not dominate the first steps. Without a softmax normaliser the loss can be computed block by block.",
  claim:
    "Replacing the softmax contrastive loss by the pairwise sigmoid loss gives equal or better image-text models, with a clear advantage at small batch sizes. Gains level off as the batch becomes large.",
  formula: String.raw`L=-\frac1n\sum_{i=1}^{n}\sum_{j=1}^{n}\log\sigma\big(z_{ij}(t\,x_i\cdot y_j+b)\big),\qquad z_{ij}=\begin{cases}1&i=j\\-1&i\ne j\end{cases}`,
  exports: ["losses/contrastive: sigmoidPair", "losses/contrastive: clipSoftmax", "nn: LogitScale"],
};
