import type { Card } from "../card.ts";

export const card: Card = {
  number: 32,
  slug: "llm-ood-ratio",
  title: "Your Finetuned Large Language Model is Already a Powerful Out-of-distribution Detector",
  year: 2024,
  family: "uncertainty",
  kind: "score",
  arxiv: "2404.08679",
  link: "https://arxiv.org/abs/2404.08679",
  code: "https://github.com/andiac/LLMOODratio",
  summary:
    "A text is scored by the log-likelihood under the pre-trained language model minus that under the same model after fine-tuning on in-distribution data. The base model cancels effects such as length and compressibility that dominate either likelihood alone. A high value marks out-of-distribution text, and the score can be divided by length or restricted to the answer given the question.",
  claim:
    "As an out-of-distribution score, the ratio of base to fine-tuned likelihood has higher AUROC and AUPR and lower FPR95 than either likelihood alone. The claim covers far and near shifts, spam detection, and questions outside the domain of a question-answering model.",
  formula: String.raw`\operatorname{LR}(x)=\log p_0(x)-\log p_1(x)`,
  exports: [
    "uncertainty/ood: llmRatioScore",
    "likelihood: likelihoodRatioScore",
    "data/text: bookChunks",
    "data/text: spamAssassin",
  ],
};
