import type { Card } from "../card.ts";

export const card: Card = {
  number: 190,
  slug: "negation-aware-metric",
  title: "This is not correct! Negation-aware Evaluation of Language Generation Systems",
  year: 2023,
  family: "negation",
  kind: "benchmark",
  arxiv: "2307.13989",
  link: "https://arxiv.org/abs/2307.13989",
  code: "https://github.com/dmlls/negate",
  summary:
    "A rule-based tool negates sentences by removing or inserting negation particles and repairing the verb. With it a corpus of sentence pairs is built, half negated and half paraphrased. Learned metrics and sentence encoders are then fine-tuned on these pairs, with the negated sentence as a hard negative for the encoder or as a zero target for the regression metric.",
  claim:
    "Learned text-similarity metrics hardly react to an added or removed negation. After fine-tuning on pairs made by the rule-based negator they separate negations from paraphrases better than the same metric before tuning. Their behaviour on other kinds of change is preserved.",
  formula: String.raw`\operatorname{sens}(m)=\mathbb E\big[m(r,r_{\text{para}})\big]-\mathbb E\big[m(r,r_{\text{neg}})\big]`,
  exports: [
    "negation/negator: negate",
    "negation/negator: conjugate",
    "negation/cannot: buildPairs",
    "metrics/text: bleu",
    "metrics/text: chrf",
    "metrics/text: learnedMetric",
    "metrics/text: negationSensitivity",
  ],
};
