import type { Card } from "../card.ts";

export const card: Card = {
  number: 62,
  slug: "lmse",
  title: "Concise Logarithmic Loss Function for Robust Training of Anomaly Detection Model",
  year: 2022,
  family: "uncertainty",
  kind: "objective",
  arxiv: "2201.05748",
  link: "https://arxiv.org/abs/2201.05748",
  summary:
    "Passes the squared reconstruction error of an autoencoder through a logarithm, so that large errors receive a much steeper gradient. In the form given here, for inputs and outputs in [0,1], the loss agrees with mean squared error near zero and its slope grows like 2e/(1-e²). The model is trained on normal data only, and its reconstruction error is the anomaly score.",
  claim:
    "Autoencoders for anomaly detection trained with the logarithmic loss converge more reliably than with mean squared error. They also reach a higher AUROC when reconstruction error is used to separate anomalous from normal samples.",
  formula: String.raw`\mathrm{LMSE}=\frac1D\sum_{d=1}^{D}-\log\big(1-e_d^2+\epsilon\big),\quad e=y-\hat y`,
  exports: [
    "losses/regression:logMSE",
    "losses/regression:amplify",
    "uncertainty/anomaly:reconstructionScore",
  ],
};
