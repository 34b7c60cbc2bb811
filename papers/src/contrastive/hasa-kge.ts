import type { Card } from "../card.ts";

export const card: Card = {
  number: 100,
  slug: "hasa-kge",
  title: "HaSa: Hardness and Structure-Aware Contrastive Knowledge Graph Embedding",
  year: 2023,
  family: "contrastive",
  kind: "objective",
  arxiv: "2305.10563",
  link: "https://arxiv.org/abs/2305.10563",
  code: "https://github.com/honggen-zhang/HaSa-CKGE",
  summary:
    "Contrastive knowledge-graph embedding with hard negatives and a correction for facts missing from the graph. Negatives come from the batch and from the highest-scoring entities that are not known tails, weighted by hardness. Entities within two hops of the head stand in for false negatives, and their estimated mass is subtracted from the negative sum of a debiased InfoNCE loss.",
  claim:
    "The harder negative triples are, the more of them are false negatives, that is, true facts absent from the graph. Weighting by hardness and subtracting a structure-based estimate of the false ones raises MRR and Hits over knowledge-graph embedding with InfoNCE.",
  formula: String.raw`L=-\log\frac{e^{s^+-1}}{e^{s^+-1}+\frac{N}{1-\tau}\big[\sum_jw_je^{s_j}-\tau\sum_kv_ke^{f_k}\big]_+}`,
  exports: ["debiasedHardInfoNCE", "hardTailMiner", "structuralNeighbors", "embeddingBank"],
};
