import type { Card } from "../card.ts";

export const card: Card = {
  number: 21,
  slug: "log-barrier-policy-optimization",
  title: "Refined Regret for Adversarial MDPs with Linear Function Approximation",
  year: 2023,
  family: "theory",
  kind: "algorithm",
  arxiv: "2301.12942",
  link: "https://arxiv.org/abs/2301.12942",
  summary:
    "For episodic decision processes with linear Q-functions and adversarial losses, two policy updates are given that use a simulator for transitions. The first is follow-the-regularised-leader with a log-barrier, whose analysis tolerates loss estimates of any negative size. The second keeps exponential weights but exchanges a negative part of the loss estimator for its expectation, which leaves the mean unchanged and shrinks the magnitude.",
  claim:
    "In adversarial MDPs with linear Q-functions and a simulator, both algorithms have regret of order √K in the number of episodes K. Exponential weights with a dilated bonus and the standard linear estimator only guarantee K^(2/3).",
  formula: String.raw`\pi_k(\cdot|s)=\arg\min_{p\in\Delta}\;\eta\sum_{k'<k}\langle p,\hat Q_{k'}(s,\cdot)-B_{k'}(s,\cdot)\rangle+\sum_a\log\frac1{p_a}`,
  exports: [
    "theory/online: logBarrierFtrl",
    "theory/online: hedge",
    "theory/online: regretBound",
    "theory/linearMdp: LinearQMdp",
    "theory/linearMdp: lossEstimator",
    "theory/linearMdp: dilatedBonus",
    "theory/linearMdp: runPolicyOptimization",
  ],
};
