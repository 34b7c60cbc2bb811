import type { Card } from "../card.ts";

export const card: Card = {
  number: 129,
  slug: "social-nce",
  title: "Social NCE: Contrastive Learning of Socially-aware Motion Representations",
  year: 2020,
  family: "contrastive",
  kind: "objective",
  arxiv: "2012.11717",
  link: "https://arxiv.org/abs/2012.11717",
  code: "https://github.com/vita-epfl/social-nce",
  summary:
    "A contrastive auxiliary loss is added to trajectory forecasting or imitation of crowd navigation. The query encodes the observed motion and the keys encode events, each a relative position at a future time offset. The positive is the agent's true future position with small noise, and the negatives are points on a circle around the future positions of its neighbours.",
  claim:
    "Adding the social contrastive term lowers the collision rate of policies in closed loop compared with behavioural cloning on the same safe demonstrations. The gain is attributed to negatives placed in the neighbours' discomfort zones, with randomly placed negatives as the control.",
  formula: String.raw`L=L_{task}-\lambda\log\frac{e^{q\cdot k^+/\tau}}{e^{q\cdot k^+/\tau}+\sum_n e^{q\cdot k^-_n/\tau}},\quad q=\psi(h),\ k=\phi(\delta s,\delta t)`,
  exports: [
    "negatives: discomfortZone",
    "losses/contrastive: socialNce",
    "nn: EventEncoder",
    "data: crowdSim",
    "metrics: collisionRate",
    "metrics: ade",
    "metrics: fde",
  ],
};
