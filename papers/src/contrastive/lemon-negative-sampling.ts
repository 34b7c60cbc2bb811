import type { Card } from "../card.ts";

export const card: Card = {
  number: 142,
  slug: "lemon-negative-sampling",
  title: "LEMON: LanguagE ModeL for Negative Sampling of Knowledge Graph Embeddings",
  year: 2022,
  family: "contrastive",
  kind: "sampler",
  arxiv: "2203.04703",
  link: "https://arxiv.org/abs/2203.04703",
  summary:
    "Negative triples for knowledge-graph embeddings are made with the help of entity texts. Names and descriptions are embedded once by a sentence encoder and clustered by k-means. The head or tail of a true triple is then replaced by an entity from its own cluster, known true triples are rejected, and uniform draws fill the gaps.",
  claim:
    "Corruption within text clusters gives more informative negatives and raises MRR and Hits@10 in link prediction over uniform corruption. No language model has to run during the training steps.",
  formula: String.raw`L=-\log\sigma(\gamma-d(h,r,t))-\sum_{i=1}^{n}w_i\log\sigma(d(h_i',r,t_i')-\gamma),\quad h_i'\in\mathcal C(h),\ t_i'\in\mathcal C(t)`,
  exports: [
    "clusterCorrupter",
    "uniformCorrupter",
    "bernoulliCorrupter",
    "filterKnown",
    "transE",
    "rotatE",
    "distMult",
    "complEx",
    "kgeLogistic",
    "filteredRanks",
    "knowledgeGraph",
  ],
};
