import type { Card } from "../card.ts";

export const card: Card = {
  number: 77,
  slug: "bica-citation-negatives",
  title: "BiCA: Effective Biomedical Dense Retrieval with Citation-Aware Hard Negatives",
  year: 2025,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2511.08029",
  link: "https://arxiv.org/abs/2511.08029",
  code: "https://github.com/NiravBhattLab/BiCA",
  summary:
    "Mines hard negatives in the citation neighbourhood, up to two links away, of each positive document. Walks start at the direct references most similar to the query and move to similar unvisited documents, drawn from the top K by a softmax over similarities. The visited documents plus one random easy one are the negatives for a brief fine-tuning with a multiple-negatives ranking loss.",
  claim:
    "Documents found by walking citation links are related but not relevant, and fine-tuning on them raises nDCG@10 more than hard negatives mined by BM25 or by embedding similarity. Very few training steps suffice, and the gain holds both within the biomedical domain and outside it.",
  formula: String.raw`P(d'\mid d)=\frac{e^{\cos(d,d')}}{\sum_{d''\in\operatorname{top}_K(d)}e^{\cos(d,d'')}},\quad d'\in\operatorname{top}_K(d)`,
  exports: ["citationWalkMiner", "kHop", "multipleNegativesRanking"],
};
