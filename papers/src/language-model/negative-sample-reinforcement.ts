import type { Card } from "../card.ts";

export const card: Card = {
  number: 161,
  slug: "negative-sample-reinforcement",
  title: "The Surprising Effectiveness of Negative Reinforcement in LLM Reasoning",
  year: 2025,
  family: "language-model",
  kind: "objective",
  arxiv: "2506.01347",
  link: "https://arxiv.org/abs/2506.01347",
  code: "https://github.com/TianHongZXY/RLVR-Decomposed",
  summary:
    "Reinforcement learning with verifiable ±1 rewards is split into a part that raises the probability of correct samples (PSR) and a part that lowers the probability of wrong ones (NSR). Each part can be trained alone on its own share of the rollouts, and W-REINFORCE keeps both but multiplies the positive part by 0.1. The negative update hands the removed probability to other tokens in proportion to what the model already gives them.",
  claim:
    "Training on wrong samples alone lifts Pass@k above the base model for every k and is on a par with PPO and GRPO at large k. Training on right samples alone improves Pass@1 but makes Pass@k worse when k is large, because diversity shrinks. Down-weighting the positive part gives the best compromise.",
  formula: String.raw`\lambda\,\mathbb E_x\Big[\sum_{y:\,r=1}\pi_\theta(y\mid x)\Big]-\mathbb E_x\Big[\sum_{y:\,r=-1}\pi_\theta(y\mid x)\Big],\qquad\lambda=0.1`,
  exports: [
    "reinforce",
    "psrNsrAdvantage",
    "grpoAdvantage",
    "clippedSurrogate",
    "passAtK",
    "verifiableTasks",
  ],
};
