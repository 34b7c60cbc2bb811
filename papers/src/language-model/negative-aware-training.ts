import type { Card } from "../card.ts";

export const card: Card = {
  number: 39,
  slug: "negative-aware-training",
  title:
    "Learning From Failure: Integrating Negative Examples when Fine-tuning Large Language Models as Agents",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2402.11651",
  link: "https://arxiv.org/abs/2402.11651",
  code: "https://github.com/Reason-Wang/NAT",
  summary:
    "Agent trajectories are collected from a teacher and sorted by final reward into successes and failures. A suffix in the prompt tells the model which kind follows, and ordinary language-model training runs on the agent's own turns over both kinds. At test time the prompt always asks for the success form.",
  claim:
    "With few successful trajectories, adding failed ones under a marker in the prompt raises task success over tuning on successes only and over mixing failures in unmarked. In ablations the marker has to be consistent, while its wording need not carry meaning.",
  formula: String.raw`\mathcal L=-\frac1{|\mathcal D_+|+|\mathcal D_-|}\sum_{(x,y)\in\mathcal D_\pm}\;\sum_{t\in\text{model}}\log\pi(y_t\mid c_\pm,x,y_{<t})`,
  exports: ["losses/lm:causalLM", "data/conditioning:tagTrajectories", "data:stepArithmetic"],
};
