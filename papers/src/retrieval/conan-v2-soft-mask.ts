import type { Card } from "../card.ts";

export const card: Card = {
  number: 34,
  slug: "conan-v2-soft-mask",
  title: "Conan-Embedding-v2: Training an LLM from Scratch for Text Embeddings",
  year: 2025,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2509.12892",
  link: "https://arxiv.org/abs/2509.12892",
  summary:
    "A causal language model trained from scratch is turned into an embedder by a soft mask that opens attention to later tokens step by step until it is fully bidirectional. Queries translated into many languages are paired with passages in the source language. Hard negatives that have become easy are exchanged during supervised training.",
  claim:
    "A soft, gradual change of the attention mask yields better embeddings than a causal mask or an abrupt switch to a bidirectional one. Training on translated queries brings the languages together in embedding space and increases cross-lingual recall. Exchanging easy negatives during training adds to this over static negatives.",
  formula: String.raw`A_{ij}=\frac{M_{ij}\,e^{q_i^\top k_j/\sqrt d}}{\sum_{j'}M_{ij'}\,e^{q_i^\top k_{j'}/\sqrt d}},\qquad M_{ij}(t)=\begin{cases}1&j\le i\\\min\left(1,\alpha(t)\,l/i\right)&j>i\end{cases}`,
  exports: [
    "nn/attention: softMask",
    "nn: embedder",
    "data/countries: crossLingual",
    "diagnostics: languageSilhouette",
  ],
};
