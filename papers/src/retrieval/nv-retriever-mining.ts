import type { Card } from "../card.ts";

export const card: Card = {
  number: 25,
  slug: "nv-retriever-mining",
  title: "NV-Retriever: Improving text embedding models with effective hard-negative mining",
  year: 2024,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2407.15831",
  link: "https://arxiv.org/abs/2407.15831",
  summary:
    "A teacher embedder scores all documents for a query, and the highest-ranked ones that stay under a ceiling derived from the positive's own score become hard negatives. The ceiling is a percentage of that score or the score minus a fixed margin. The chosen negatives are used in a contrastive loss together with in-batch negatives.",
  claim:
    "Mining with a ceiling tied to the positive's score removes more false negatives than plain top-k, shifted top-k or an absolute threshold, and trains embedding models with higher nDCG@10 on BEIR and MTEB. The best settings are 95 % of the positive score or a margin of 0.05.",
  formula: String.raw`N(q)=\operatorname{top-}k\left\{d\ne d^+:\;s(q,d)<\rho\,s(q,d^+)\right\},\qquad \rho=0.95`,
  exports: ["negatives: positiveAwareMiner", "negatives: minerAudit"],
};
