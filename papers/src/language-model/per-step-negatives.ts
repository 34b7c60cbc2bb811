import type { Card } from "../card.ts";

export const card: Card = {
  number: 89,
  slug: "per-step-negatives",
  title: "RL on Incorrect Synthetic Data Scales the Efficiency of LLM Math Reasoning by Eight-Fold",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2406.14532",
  link: "https://arxiv.org/abs/2406.14532",
  summary:
    "Learns from a model's own wrong solutions to mathematics problems. Rollouts from every prefix estimate the chance of a correct final answer, and the step at which this chance collapses is located. At the shared prefix a DPO loss prefers a step from a correct completion to the faulty one, with the supervised model as reference, which amounts to advantage-weighted reinforcement learning.",
  claim:
    "Fine-tuning on correct solutions alone locks in spurious steps, and wrong solutions help only if the loss blames the faulty step. Per-step preference training outperforms SFT, RFT and DPO on whole trajectories, and it matches SFT on about eight times as many problems.",
  formula: String.raw`L=-\log\sigma\Big(\beta\Big[\log\tfrac{\pi(y^+\mid s)}{\pi_{\text{ref}}(y^+\mid s)}-\log\tfrac{\pi(y^-\mid s)}{\pi_{\text{ref}}(y^-\mid s)}\Big]\Big),\quad s=(x,y_{1:i-1})`,
  exports: ["dpo", "advantageWeighted", "estimateQ", "firstPit", "perStepPairs", "chainProblems"],
};
