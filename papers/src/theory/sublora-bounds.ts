import type { Card } from "../card.ts";

export const card: Card = {
  number: 71,
  slug: "sublora-bounds",
  title: "Non-Vacuous Generalization Bounds for Large Language Models",
  year: 2023,
  family: "theory",
  kind: "bound",
  arxiv: "2312.17173",
  link: "https://arxiv.org/abs/2312.17173",
  code: "https://github.com/Sanaelotfi/sublora-bounds-for-llms",
  summary:
    "Trains a language model from scratch in a random low-dimensional subspace of LoRA parameters, then quantises the coordinates to a few levels and entropy-codes them (SubLoRA). The code length K enters a finite-hypothesis bound on expected bits per token. Mixing predictions with the uniform distribution bounds the loss, and a subsampling term lets the training risk be measured on n of m samples.",
  claim:
    "The bound on expected bits per token falls below the base-2 logarithm of the vocabulary size, which is the vacuous level. Combining random subspace and LoRA gives tighter bounds than either form of compression alone, and larger models need not have worse bounds. Predictions are smoothed because the raw loss is unbounded.",
  formula: String.raw`R\le\hat R+\Delta\Big[\sqrt{\tfrac{K\ln2+\ln\frac1{r\delta}}{2m}}+\sqrt{\tfrac{\ln\frac1{(1-r)\delta}}{2n}}\Big],\quad r=\tfrac{n}{n+m}`,
  exports: [
    "kroneckerProjector",
    "quantizeUniform",
    "messageLengthBits",
    "prefixFreeLength",
    "loraLinear",
    "subspaceModel",
    "smoothedDelta",
    "subsampledHoeffdingBound",
  ],
};
