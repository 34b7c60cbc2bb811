import type { Card } from "../card.ts";

export const card: Card = {
  number: 17,
  slug: "likra",
  title: "How much do LLMs learn from negative examples?",
  year: 2025,
  family: "likelihood",
  kind: "score",
  arxiv: "2503.14391",
  link: "https://arxiv.org/abs/2503.14391",
  code: "https://github.com/Shamdan17/Likra",
  summary:
    "Two adapters of one base model are tuned separately, one on correct answers and one on wrong answers to the same questions. Options of a multiple-choice question are ranked by the log-likelihood ratio of the two heads. A variant replaces the positive head by the untuned base model.",
  claim:
    "Ranking answers by the ratio of a positive and a negative head raises multiple-choice accuracy much faster per example than fine-tuning on positives only, with a sudden rise within a few hundred examples. Near-miss wrong answers teach the most. Positive-only tuning leaves the probability of plausible wrong answers almost as high as before.",
  formula: String.raw`S(y\mid x)=\log p_+(y\mid x)-\lambda\log p_-(y\mid x),\qquad \hat y=\arg\max_yS(y\mid x)`,
  exports: [
    "likelihood: likelihoodRatioScore",
    "data/countries: multipleChoice",
    "data/wordnet: glossChoice",
    "diagnostics: learningCurve",
    "diagnostics: jumpLocation",
  ],
};
