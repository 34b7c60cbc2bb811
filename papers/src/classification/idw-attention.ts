import type { Card } from "../card.ts";

export const card: Card = {
  number: 66,
  slug: "idw-attention",
  title: "Inverse distance weighting attention",
  year: 2023,
  family: "classification",
  kind: "model",
  arxiv: "2310.18805",
  link: "https://arxiv.org/abs/2310.18805",
  code: "https://github.com/calvinmccarter/idw-attention",
  summary:
    "Takes minus the logarithm of the distance between query and key as attention score, which turns the softmax into inverse-distance weights without exponential or temperature; the output is a convex combination of value vectors. A misclassified input can be patched by appending it as a new key whose value favours the right class, an effect that fades with distance.",
  claim:
    "In networks with one hidden layer and plain cross-entropy training, the learned keys become recognisable class prototypes and the values their logits. Accuracy is comparable to dot-product attention, negative-distance attention and a ReLU layer. Inserting a prototype repairs a single mistake with little effect on other predictions.",
  formula: String.raw`z=\sum_ja_jv_j,\quad a_j=\frac{d_j^{-1}}{\sum_ld_l^{-1}},\quad d_j=\epsilon+\|x-k_j\|_2^{p}`,
  exports: ["nn/attention:idwAttention", "inference/patch:insertPrototype"],
};
