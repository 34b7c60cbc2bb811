import type { Card } from "../card.ts";

export const card: Card = {
  number: 153,
  slug: "logme-encoder-selection",
  title: "Evidence > Intuition: Transferability Estimation for Encoder Selection",
  year: 2022,
  family: "theory",
  kind: "score",
  arxiv: "2210.11255",
  link: "https://arxiv.org/abs/2210.11255",
  code: "https://github.com/thuml/LogME",
  summary:
    "To choose a pretrained encoder, its frozen features are computed on the task data and a Bayesian linear model is placed on top. LogME is the log evidence of the labels per sample, maximised over prior and noise precision by a fixed-point iteration after one SVD. Encoders are then ranked by this score before any fine-tuning.",
  claim:
    "LogME correlates positively with the performance reached after fine-tuning in 94% of the tested task setups. Choosing an encoder by the score gives better results than choosing by practitioners' intuition.",
  formula: String.raw`\mathrm{LogME}=\frac1N\max_{\alpha,\beta}\log\int\mathcal N(w;0,\alpha^{-1}I)\,\mathcal N(y;Fw,\beta^{-1}I)\,dw`,
  exports: ["logME", "linearProbe", "knnAccuracy", "hScore", "rankingQuality", "svdThin"],
};
