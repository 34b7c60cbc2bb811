import type { Card } from "../card.ts";

export const card: Card = {
  number: 201,
  slug: "edit-invariant-sequence-loss",
  title: "Don't Take It Literally: An Edit-Invariant Sequence Loss for Text Generation",
  year: 2021,
  family: "language-model",
  kind: "objective",
  arxiv: "2106.15078",
  link: "https://arxiv.org/abs/2106.15078",
  code: "https://github.com/guangyliu/EISL",
  summary:
    "EISL scores a text generator by how well each n-gram of the target is matched at any position of the output, not only at its own. For every n-gram it sums token log-probabilities along all diagonals and combines the positions with softmax or Gumbel-softmax weights. The computation is a convolution over a gathered table, and several n-gram lengths can be summed and mixed with cross-entropy.",
  claim:
    "Matching target n-grams against all output positions makes training tolerant of targets whose tokens are permuted, duplicated, missing or displaced. With noisy targets it yields better models than cross-entropy, and the gap widens as noise grows. Non-autoregressive models improve too.",
  formula: String.raw`L_n=-\frac{1}{T^*-n+1}\sum_{i}\sum_{i'}\omega_{i',i}\frac{G_{i',i}}{n},\quad G_{i',i}=\sum_{k=0}^{n-1}\ell_{i'+k}(y_{i+k}),\quad \omega_{\cdot,i}=\operatorname{softmax}_{i'}\frac{G_{i',i}}{n}`,
  exports: [
    "losses/sequence: eisl",
    "losses/sequence: diagonalConv",
    "data/noise: corruptTarget",
    "metrics/text: bleu",
    "metrics/text: editDistance",
  ],
};
