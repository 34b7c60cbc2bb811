import type { Card } from "../card.ts";

export const card: Card = {
  number: 53,
  slug: "unime-v2",
  title: "UniME-V2: MLLM-as-a-Judge for Universal Multimodal Embedding Learning",
  year: 2025,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2510.13515",
  link: "https://arxiv.org/abs/2510.13515",
  code: "https://github.com/GaryGuTC/UniME-v2",
  summary:
    "An embedder retrieves hard candidates for each query, and a multimodal language model rates every candidate by its yes/no probability. Candidates that come within a small margin of the gold item's rating, or exceed it, are dropped as probable false negatives; a spread of the rest is kept. The student's similarity distribution is aligned with the judge's by symmetric KL, and a reranker reorders the top 10.",
  claim:
    "Using the scores of a strong judge both to pick hard negatives and as soft targets gives better retrieval than InfoNCE with one-hot labels on the same retrieved candidates. InfoNCE with in-batch negatives alone is the weaker baseline.",
  formula: String.raw`L=\tfrac12\big[\mathrm{KL}(P\|Q)+\mathrm{KL}(Q\|P)\big],\quad P=\operatorname{softmax}(s/\tau),\ Q=\operatorname{softmax}(\cos(q,c)/\tau)`,
  exports: [
    "losses/distill:symmetricKL",
    "negatives/judge:judgeFilter",
    "negatives/judge:cyclicSample",
    "retrieval:globalHardCandidates",
  ],
};
