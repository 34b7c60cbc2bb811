import type { Card } from "../card.ts";

export const card: Card = {
  number: 193,
  slug: "powernorm",
  title: "PowerNorm: Rethinking Batch Normalization in Transformers",
  year: 2020,
  family: "language-model",
  kind: "model",
  arxiv: "2003.07845",
  link: "https://arxiv.org/abs/2003.07845",
  code: "https://github.com/sIncerass/powernorm",
  summary:
    "PowerNorm replaces the batch mean and variance of batch normalisation by one running quadratic mean per channel, without centring, for transformers on text. Because the gradient cannot pass through earlier batches, the backward pass is approximated with a second running statistic that removes the component along the normalised input. A warm-up phase uses the statistics of the current batch.",
  claim:
    "Batch statistics of text vary strongly from batch to batch in training, which is why batch normalisation does poorly in transformers. PowerNorm's running quadratic mean and approximate gradient cure this. It beats layer normalisation in perplexity for language modelling and in BLEU for translation.",
  formula: String.raw`\hat X_t=\frac{X_t}{\psi_{t-1}},\quad Y_t=\gamma\odot\hat X_t+\beta,\qquad \psi_t^2=\alpha\,\psi_{t-1}^2+(1-\alpha)\,\frac1B\sum_{i=1}^{B}x_i^2`,
  exports: [
    "nn/norm: powerNorm",
    "nn/norm: pnV",
    "nn/norm: batchNorm",
    "nn/norm: layerNorm",
    "nn/norm: rmsNorm",
    "diagnostics/norm-stats: batchFluctuation",
    "autodiff: customGrad",
  ],
};
