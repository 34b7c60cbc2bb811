import type { Card } from "../card.ts";

export const card: Card = {
  number: 202,
  slug: "likelihood-bias-mitigation",
  title: "Likelihood-based Mitigation of Evaluation Bias in Large Language Models",
  year: 2024,
  family: "likelihood",
  kind: "diagnostic",
  arxiv: "2402.15987",
  link: "https://arxiv.org/abs/2402.15987",
  summary:
    "The study measures whether an LLM that grades texts favours those it finds likely. The bias score is the Spearman correlation between the likelihood of each text under the evaluator and how far its grade exceeds the human one. To mitigate the bias, instances that are most extreme in both signals, with their human scores, are placed in the prompt as few-shot examples.",
  claim:
    "LLM evaluators overrate texts of high likelihood and underrate texts of low likelihood, beyond differences in quality. Few-shot prompts made of the most biased instances reduce this bias. They also raise the correlation of the grades with human scores.",
  formula: String.raw`\text{BiasScore}=\rho_{\text{Spearman}}(\text{LS},\text{US}),\quad \text{US}=\operatorname{norm}(s_m)-\operatorname{norm}(s_h),\quad \text{LS}=\sum_k\log p(o_k\mid o_{<k})`,
  exports: [
    "likelihood/bias: likelihoodScore",
    "likelihood/bias: unfairnessScore",
    "likelihood/bias: biasScore",
    "likelihood/bias: selectBiased",
    "likelihood/evaluator: expectedScore",
    "likelihood/evaluator: IclEvaluator",
  ],
};
