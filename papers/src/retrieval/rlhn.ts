import type { Card } from "../card.ts";

export const card: Card = {
  number: 83,
  slug: "rlhn",
  title:
    "Fixing Data That Hurts Performance: Cascading LLMs to Relabel Hard Negatives for Robust Information Retrieval",
  year: 2025,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2505.16967",
  link: "https://arxiv.org/abs/2505.16967",
  code: "https://github.com/castorini/rlhn",
  summary:
    "Repairs retrieval training sets in which hard negatives are in truth relevant. A cheap language-model judge flags queries with suspect negatives, a strong judge decides again for those queries, and confirmed cases are moved to the positives. In addition, source datasets are dropped if leaving them out improves validation nDCG@10.",
  claim:
    "Relabelling false hard negatives as positives improves out-of-domain nDCG@10 of retrievers and rerankers over the original labels, and by more than deleting those negatives or the affected queries. Dropping some whole source datasets helps as well.",
  formula: String.raw`P'=P\cup F,\ N'=N\setminus F,\quad F=\begin{cases}\{d\in N:J_2(q,d)=1\}&\exists\,d\in N:J_1(q,d)=1\\\varnothing&\text{otherwise}\end{cases}`,
  exports: ["relabelHardNegatives", "pruneSources", "judgeSimulator"],
};
