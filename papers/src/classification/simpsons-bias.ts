import type { Card } from "../card.ts";

export const card: Card = {
  number: 140,
  slug: "simpsons-bias",
  title: "Simpson's Bias in NLP Training",
  year: 2021,
  family: "classification",
  kind: "diagnostic",
  arxiv: "2103.11795",
  link: "https://arxiv.org/abs/2103.11795",
  summary:
    "The paper examines metrics that do not split into a sum over samples, such as F1, Dice and corpus BLEU, and the habit of training on their per-sample or per-batch mean. The gap between the population metric and that mean is called Simpson's bias. For Dice, the sample-level loss reduces to one more pointwise loss, while a set-level version pools the counts before the ratio is taken.",
  claim:
    "The mean of sample-level metric values is a biased substitute for the population metric, and the bias persists as the data grow. Models trained on the sample-level Dice loss score lower on the population metric than models trained on the pooled version.",
  formula: String.raw`\epsilon(M)=F(S;M)-\mathbb E_t\big[G(S_t;M)\big],\qquad D_S=1-\frac{2\sum_i p_iy_i+\gamma}{\sum_i p_i^2+\sum_i y_i+\gamma}`,
  exports: ["diceLoss", "simpsonBias", "reversalRate", "f1FromCounts", "corpusBleu", "sentenceBleu"],
};
