import type { Card } from "../card.ts";

export const card: Card = {
  number: 168,
  slug: "mrl-multivariate-retrieval",
  title: "Multivariate Representation Learning for Information Retrieval",
  year: 2023,
  family: "retrieval",
  kind: "model",
  arxiv: "2304.14522",
  link: "https://arxiv.org/abs/2304.14522",
  summary:
    "A retrieval encoder outputs a mean and a positive variance per dimension instead of one vector, for queries and documents alike, and ranks documents by the negative KL divergence of the query Gaussian from the document Gaussian. The score can be rewritten as an inner product, so ordinary maximum-inner-product search applies. Training distils a listwise ranking from a cross-encoder.",
  claim:
    "Ranking by negative KL between diagonal Gaussians retrieves better than a single-vector bi-encoder with an index of the same size, and it remains searchable by maximum inner product. The variance learned for a query indicates how difficult that query is.",
  formula: String.raw`-\operatorname{KL}(Q\Vert D)=-\tfrac12\sum_{i=1}^{k}\Big[\ln\frac{\sigma_{d,i}^2}{\sigma_{q,i}^2}-1+\frac{\sigma_{q,i}^2}{\sigma_{d,i}^2}+\frac{(\mu_{q,i}-\mu_{d,i})^2}{\sigma_{d,i}^2}\Big]`,
  exports: [
    "gaussianKLDiag",
    "gaussianScores",
    "gaussianToInner",
    "gaussianHead",
    "lambdaPairwise",
    "bm25",
    "exactMips",
  ],
};
