import type { Card } from "../card.ts";

export const card: Card = {
  number: 173,
  slug: "lost-low-rank-sparse",
  title: "LOST: Low-rank and Sparse Pre-training for Large Language Models",
  year: 2025,
  family: "compression",
  kind: "model",
  arxiv: "2508.02668",
  link: "https://arxiv.org/abs/2508.02668",
  code: "https://github.com/JiaxiLi1/LOST-Low-rank-and-Sparse-Training-for-Large-Language-Models",
  summary:
    "LOST pre-trains a language model in which every attention and MLP matrix is the sum of a low-rank product and a few dense input channels. One SVD of the initial matrix supplies both: the leading singular part starts the low-rank factors, and the channels with the largest norm in the remainder are kept as the sparse part. A fixed factor γ mixes the two outputs.",
  claim:
    "Starting both parts from complementary pieces of one SVD gives lower perplexity than low-rank pre-training alone, or low-rank plus randomly placed sparse entries, at the same parameter count. The result comes close to full-rank training.",
  formula: String.raw`y=\gamma\,(xA)B+(1-\gamma)\,x_{:,I}\,S,\qquad AB=U_{:,1:r}\,\Sigma_{1:r}\,V_{:,1:r}^\top`,
  exports: ["nn/lowrank: LostLinear", "nn/lowrank: svd", "compression/lost: decompose"],
};
