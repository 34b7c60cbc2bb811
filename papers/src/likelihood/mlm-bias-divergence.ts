import type { Card } from "../card.ts";

export const card: Card = {
  number: 151,
  slug: "mlm-bias-divergence",
  title: "Robust Evaluation Measures for Evaluating Social Biases in Masked Language Models",
  year: 2024,
  family: "likelihood",
  kind: "score",
  arxiv: "2401.11601",
  link: "https://arxiv.org/abs/2401.11601",
  summary:
    "Social bias of a masked language model is measured on the pseudo-log-likelihoods of stereotypical and anti-stereotypical sentences. For each bias type one Gaussian is fitted to either set of scores, and the KL or Jensen-Shannon divergence between the two is the bias score. Types are combined by their number of sentence pairs.",
  claim:
    "The divergence between the two fitted score distributions varies less, relative to its size, on small evaluation sets than measures that count which sentence of a pair scores higher. The compared counting measures use the pseudo-log-likelihoods of SSS, CPS, AUL and AULA.",
  formula: String.raw`KL(p_{st}\|p_{at})=\ln\frac{\sigma_{at}}{\sigma_{st}}+\frac{\sigma_{st}^2+(\mu_{st}-\mu_{at})^2}{2\sigma_{at}^2}-\frac12`,
  exports: [
    "pseudoLogLikelihood",
    "indicatorScore",
    "gaussianKLScore",
    "gaussianJSScore",
    "gaussianKL",
    "gaussianJS",
    "subsampleRobustness",
  ],
};
