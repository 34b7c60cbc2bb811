import type { Card } from "../card.ts";

export const card: Card = {
  number: 12,
  slug: "z-loss",
  title: "The Z-loss: a shift and scale invariant classification loss belonging to the Spherical Family",
  year: 2016,
  family: "classification",
  kind: "objective",
  arxiv: "1604.08859",
  link: "https://arxiv.org/abs/1604.08859",
  summary:
    "The output vector is standardised by its own mean and deviation, and the loss is a softplus of how far the target's z-score falls short of a margin b, with sharpness a. It depends only on the sum of the outputs, their sum of squares and the target output. This allows exact factored updates of the output layer at a cost independent of the number of classes.",
  claim:
    "The Z-loss gives lower error than other spherical-family losses such as MSE and Taylor softmax. With its two constants tuned for the chosen k, it also beats log-softmax in top-k error. Its factored training step does not grow with the number of classes, whereas that of the softmax does.",
  formula: String.raw`\mathcal L_Z(o,c)=\frac1a\log\left(1+e^{a(b-z_c)}\right),\qquad z_c=\frac{o_c-\mu}{\sigma}`,
  exports: [
    "losses/spherical: zScoreLoss",
    "losses/spherical: taylorSoftmaxLoss",
    "losses/spherical: sphericalSoftmaxLoss",
    "losses/spherical: factoredSpherical",
    "metrics: topKError",
  ],
};
