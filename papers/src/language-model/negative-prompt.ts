import type { Card } from "../card.ts";

export const card: Card = {
  number: 118,
  slug: "negative-prompt",
  title:
    "NegativePrompt: Leveraging Psychology for Large Language Models Enhancement via Negative Emotional Stimuli",
  year: 2024,
  family: "language-model",
  kind: "benchmark",
  arxiv: "2405.02814",
  link: "https://arxiv.org/abs/2405.02814",
  code: "https://github.com/wangxu0820/NegativePrompt",
  summary:
    "Ten sentences with negative emotional content, based on cognitive dissonance, social comparison and stress theory, are appended one at a time to a task instruction. Language models answer instruction-induction and BIG-Bench items with and without the sentence, in zero-shot and few-shot form. The influence of single words on the answer is read from gradient norms.",
  claim:
    "Appending a negative emotional sentence raises task scores over the plain instruction, with a reported relative gain of 12.9% on instruction induction and 46% on BIG-Bench tasks. If emotion is the cause, the mean score over the ten sentences must also exceed that of neutral suffixes of equal length.",
  formula: String.raw`\text{gain}=\frac{\bar s_{NP}-s_0}{s_0},\qquad \bar s_{NP}=\frac1{10}\sum_{j=1}^{10}s_{NP_j}`,
  exports: [
    "language: stimulusBenchmark",
    "data: inductionTasks",
    "diagnostics: inputGradientNorm",
    "metrics: maxOfKNull",
  ],
};
