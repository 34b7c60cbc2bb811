import type { Card } from "../card.ts";

export const card: Card = {
  number: 181,
  slug: "hidden-state-optimization",
  title: "Making the Most of your Model: Methods for Finetuning and Applying Pretrained Transformers",
  year: 2024,
  family: "inference",
  kind: "algorithm",
  arxiv: "2408.16241",
  link: "https://arxiv.org/abs/2408.16241",
  summary:
    "This thesis contains four methods for pretrained transformers, two of them for inference. Hidden-state optimisation takes a gradient step on cached activations with the loss of tokens already seen, and leaves the weights alone. Conditional beam search adds to each beam's score the log-probability, from a prefix classifier, that the finished output will not be degenerate.",
  claim:
    "Gradient steps on cached states, using only observed tokens, improve the prediction of later tokens over plain evaluation with the same weights. The mode of a text model is often empty or repetitive, but the mode among non-degenerate outputs is good text. Bad modes are thus largely an effect of contamination by few degenerate outputs, and conditional beam search finds better texts than plain beam search.",
  formula: String.raw`h\leftarrow h-\eta\,\nabla_h L(h),\quad L(h)=-\frac1k\sum_{i\le k}\log p(x_i\mid h_{<i}),\qquad \operatorname{score}=\log p(x_{1:t})+\log c(x_{1:t})`,
  exports: [
    "likelihood/hso: optimizeCache",
    "likelihood/hso: evalWithHSO",
    "likelihood/decoding: beamSearch",
    "likelihood/decoding: exactMode",
    "likelihood/decoding: prefixClassifier",
  ],
};
