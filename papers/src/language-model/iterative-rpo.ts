import type { Card } from "../card.ts";

export const card: Card = {
  number: 6,
  slug: "iterative-rpo",
  title: "Iterative Reasoning Preference Optimization",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2404.19733",
  link: "https://arxiv.org/abs/2404.19733",
  summary:
    "Each round samples many chains of thought per training prompt, marks them right or wrong by their final answer, and pairs right chains with wrong ones. The next model minimises a DPO term on summed log-probabilities plus a negative log-likelihood of the winning chain divided by its length. The model at the start of the round serves as reference and as starting point.",
  claim:
    "Rounds of DPO with an added length-normalised likelihood term on the winner raise reasoning accuracy from one round to the next and above fine-tuning on correct chains. DPO alone makes the correct chains less probable as training goes on, and its accuracy gain is smaller.",
  formula: String.raw`\mathcal L=-\frac{\log\pi_\theta(c_w,y_w|x)}{|c_w|+|y_w|}-\alpha\log\sigma\left(r(c_w,y_w)-r(c_l,y_l)\right),\quad r(c,y)=\beta\log\frac{\pi_\theta(c,y|x)}{\pi_{\text{ref}}(c,y|x)}`,
  exports: [
    "losses/preference: dpo",
    "losses/preference: irpo",
    "likelihood: sequenceLogProb",
    "algorithms/preference: sampleCandidates",
    "algorithms/preference: verifyAndPair",
  ],
};
