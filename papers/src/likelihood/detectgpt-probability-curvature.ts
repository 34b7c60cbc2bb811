import type { Card } from "../card.ts";

export const card: Card = {
  number: 107,
  slug: "detectgpt-probability-curvature",
  title: "DetectGPT: Zero-Shot Machine-Generated Text Detection using Probability Curvature",
  year: 2023,
  family: "likelihood",
  kind: "score",
  arxiv: "2301.11305",
  link: "https://arxiv.org/abs/2301.11305",
  code: "https://github.com/eric-mitchell/detect-gpt",
  summary:
    "The detector compares a text's log-probability under the scoring model with the mean over many lightly rewritten copies, made by masking short spans and refilling them with a mask-filling model such as T5. The drop is divided by the standard deviation over the copies and compared with a threshold. In a smooth space the drop estimates the negative curvature of the log-probability.",
  claim:
    "Small rewrites reduce the log-probability of machine-written text more than that of human text. Thresholding the normalised drop gives a higher AUROC than mean log-probability, rank, log-rank or entropy under the same scoring model, with no classifier trained.",
  formula: String.raw`z(x)=\frac{\log p(x)-\mu}{\hat\sigma},\qquad \mu=\frac1k\sum_{i=1}^{k}\log p(\tilde x_i),\quad \tilde x_i\sim q(\cdot\mid x)`,
  exports: [
    "likelihood: perturbationDiscrepancy",
    "likelihood: maskAndFill",
    "likelihood: conditionalCurvature",
    "likelihood: zeroShotDetectors",
    "likelihood: tokenLogProbs",
    "metrics: auroc",
  ],
};
