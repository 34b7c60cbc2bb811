import type { Card } from "../card.ts";

export const card: Card = {
  number: 88,
  slug: "saha-negatives",
  title:
    "From Generator to Embedder: Harnessing Innate Abilities of Multimodal LLMs via Building Zero-Shot Discriminative Embedding Model",
  year: 2025,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2508.00955",
  link: "https://arxiv.org/abs/2508.00955",
  code: "https://github.com/yeongjoonJu/Gen2Embed",
  summary:
    "Samples hard negatives offline from the untuned model's own embeddings. For an anchor query it gathers top-ranked documents together with the queries that own them, and keeps those whose owner queries resemble the anchor least, since a similar owner hints at a false negative. The owner pairs are trained as one block with InfoNCE. A two-level instruction prompt turns a generator into a zero-shot embedder.",
  claim:
    "Preferring hard documents with owner queries far from the anchor removes false negatives, and training on them retrieves better than training with random in-batch negatives. With a hierarchical prompt, a multimodal generator already gives usable embeddings before fine-tuning.",
  formula: String.raw`\mathcal N(q)=\operatorname*{arg\,min}_{S\subset C(q),\,|S|=k}\ \sum_{(q_j,d_j)\in S}q\cdot q_j,\quad C(q)=\text{owner pairs of the top hits by }q\cdot d`,
  exports: ["sahaSampler", "hierarchicalPrompt", "lastTokenEmbedding"],
};
