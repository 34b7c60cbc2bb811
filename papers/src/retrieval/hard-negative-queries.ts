import type { Card } from "../card.ts";

export const card: Card = {
  number: 58,
  slug: "hard-negative-queries",
  title: "DocReRank: Single-Page Hard Negative Query Generation for Training Multi-Modal RAG Rerankers",
  year: 2025,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2505.22584",
  link: "https://arxiv.org/abs/2505.22584",
  summary:
    "Creates reranker training data page by page. A vision-language model writes queries that the page answers, a language model turns each into close variants that ask for something missing, and a verifier discards variants that the page answers after all. The reranker then learns the probability of relevance by binary cross-entropy on both kinds of query, optionally mixed with mined pages.",
  claim:
    "A reranker trained on verified unanswerable queries for the same page attains a higher NDCG@5 when it reorders first-stage results than one trained on mined or random negative pages. The explanation offered is that such negatives are harder, can be steered and can be checked.",
  formula: String.raw`L=-\log f(q^+,d)-\sum_{q^-}\log\big(1-f(q^-,d)\big)`,
  exports: [
    "negatives/generate:queryPerturber",
    "negatives/verify:answerable",
    "losses/ranking:pointwiseBCE",
    "retrieval:rerank",
  ],
};
