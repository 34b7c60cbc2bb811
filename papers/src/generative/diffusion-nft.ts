import type { Card } from "../card.ts";

export const card: Card = {
  number: 182,
  slug: "diffusion-nft",
  title: "DiffusionNFT: Online Diffusion Reinforcement with Forward Process",
  year: 2025,
  family: "generative",
  kind: "algorithm",
  arxiv: "2509.16117",
  link: "https://arxiv.org/abs/2509.16117",
  code: "https://github.com/NVlabs/DiffusionNFT",
  summary:
    "DiffusionNFT improves a flow or diffusion model by online RL on the forward noising process. Samples drawn with any solver get an optimality weight r from their group-normalised rewards. One network is trained so that a blend of old and new velocity fits good samples and its mirror image around the old velocity fits bad ones; the sampling policy follows as a moving average.",
  claim:
    "Training on the forward process needs only final samples and rewards, without likelihoods or stored trajectories, and works with any sampler. It reaches a given reward with far fewer samples than FlowGRPO. Without the negative term the training collapses.",
  formula: String.raw`L=\mathbb E\big[r\,\lVert v^+-v\rVert^2+(1-r)\,\lVert v^--v\rVert^2\big],\qquad v^{\pm}=(1\mp\beta)\,v_{\text{old}}\pm\beta\,v_\theta`,
  exports: [
    "generative/flow: rectifiedFlow",
    "generative/flow: velocityLoss",
    "generative/flow: odeSample",
    "generative/rl: nftLoss",
    "generative/rl: optimality",
    "generative/rl: oldPolicySchedule",
    "generative/rl: flowGrpoLoss",
    "generative/rl: rftLoss",
  ],
};
