import type { Card } from "../card.ts";

export const card: Card = {
  number: 44,
  slug: "adadetectgpt",
  title: "AdaDetectGPT: Adaptive Detection of LLM-Generated Text with Statistical Guarantees",
  year: 2025,
  family: "likelihood",
  kind: "score",
  arxiv: "2510.01268",
  link: "https://arxiv.org/abs/2510.01268",
  code: "https://github.com/Mamba413/AdaDetectGPT",
  summary:
    "A detector of machine text passes each token's log-probability through a learned one-dimensional function w before it sums and standardises the deviations from their conditional means. The function is a combination of B-splines, fitted in closed form on human and machine texts to separate the two. The identity function gives back Fast-DetectGPT.",
  claim:
    "Learning the transform of token log-probabilities raises AUC over raw log-probabilities and transfers across text domains. For machine text from the scoring model the statistic stays approximately standard normal, so error rates can be set by a normal quantile.",
  formula: String.raw`T_w(x)=\frac{\sum_t\left[w(\ell_t(x_t))-\mu_t\right]}{\sqrt{\sum_tv_t}},\qquad \mu_t=\sum_vq_t(v)\,w(\ell_t(v))`,
  exports: [
    "likelihood/detect:conditionalDiscrepancy",
    "likelihood/detect:fitWitness",
    "numeric/spline:bsplineBasis",
  ],
};
