import type { Card } from "../card.ts";

export const card: Card = {
  number: 18,
  slug: "rrra",
  title: "RRRA: Resampling and Reranking through a Retriever Adapter",
  year: 2025,
  family: "retrieval",
  kind: "model",
  arxiv: "2508.11670",
  link: "https://arxiv.org/abs/2508.11670",
  summary:
    "A small network reads the query and document vectors of a bi-encoder and estimates the probability that a retrieved hard negative is in truth an unlabelled positive. In training this probability reweights the negatives, so that likely false ones are drawn less often. At search time the adapter's output reorders the top-k results.",
  claim:
    "A learned, query-specific estimate of which hard negatives are false beats sampling rules based on scores alone, such as uniform top-k, SimANS or TriSampler, in MRR and recall. Using it both to resample negatives in training and to rerank at inference adds negligible cost.",
  formula: String.raw`w_i\propto\left(1-\hat p_{\text{FN},i}\right)^{\eta}g(s_i),\qquad s_{\text{final}}(q,d)=s(q,d)+\lambda\,a_\psi(q,d)`,
  exports: [
    "negatives/adapter: FalseNegativeAdapter",
    "negatives/weights: combineWeights",
    "retrieval: rerank",
  ],
};
