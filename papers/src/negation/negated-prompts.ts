import type { Card } from "../card.ts";

export const card: Card = {
  number: 133,
  slug: "negated-prompts",
  title: "Can Large Language Models Truly Understand Prompts? A Case Study with Negated Prompts",
  year: 2022,
  family: "negation",
  kind: "benchmark",
  arxiv: "2209.12711",
  link: "https://arxiv.org/abs/2209.12711",
  code: "https://github.com/joeljang/negated-prompts-for-llms",
  summary:
    "Nine language tasks are asked in two forms that differ by one cue, the original instruction and a negated one such as a request for the wrong answer. The model picks the candidate with the highest log-likelihood under the prompt, and a negated item counts as solved if any candidate other than the gold one wins. Model size, number of demonstrations and tuning on negated prompts are varied.",
  claim:
    "As language models grow, accuracy on the original prompts rises while accuracy on the negated ones falls, an inverse scaling trend. Fine-tuning on negated prompts raises one form at the expense of the other and does not solve both.",
  formula: String.raw`\hat c=\operatorname*{arg\,max}_{c}\frac1{|c|}\log p(c\mid\text{prompt}),\qquad \text{chance}_{\text{orig}}=\frac1C,\quad \text{chance}_{\text{neg}}=\frac{C-1}{C}`,
  exports: [
    "negation: negatedPromptBenchmark",
    "data: negatedTasks",
    "likelihood: rankCandidates",
    "metrics: chanceCorrected",
    "metrics: scalingSlope",
  ],
};
