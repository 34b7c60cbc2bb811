import type { Card } from "../card.ts";

export const card: Card = {
  number: 157,
  slug: "scheduled-pseudo-huber",
  title: "Improving Diffusion Models's Data-Corruption Resistance using Scheduled Pseudo-Huber Loss",
  year: 2024,
  family: "generative",
  kind: "objective",
  arxiv: "2403.16728",
  link: "https://arxiv.org/abs/2403.16728",
  code: "https://github.com/huggingface/diffusers",
  summary:
    "The squared noise-prediction error of a diffusion model is replaced by a pseudo-Huber loss, which is quadratic for small errors and linear for large ones. Its width parameter depends on the timestep: it is wide near clean data, where exact detail matters, and narrow at the noisy end, where outliers pull on the choice of mode. Exponential and SNR-based schedules for the width are offered.",
  claim:
    "Making the pseudo-Huber width smaller as the timestep grows gives samples that outliers in the training data disturb less than under the L2 loss or a pseudo-Huber loss of constant width. On clean training data the sample quality stays on the level of L2 training.",
  formula: String.raw`H_{c_t}(e)=2c_t\Big(\sqrt{e^2+c_t^2}-c_t\Big),\qquad c_t=c_0^{\,t/T}`,
  exports: ["pseudoHuber", "huberSchedule", "ddpmLoss", "contaminate"],
};
