import type { Card } from "../card.ts";

export const card: Card = {
  number: 82,
  slug: "perp-neg",
  title:
    "Re-imagine the Negative Prompt Algorithm: Transform 2D Diffusion into 3D, alleviate Janus problem and Beyond",
  year: 2023,
  family: "generative",
  kind: "algorithm",
  arxiv: "2304.04968",
  link: "https://arxiv.org/abs/2304.04968",
  code: "https://github.com/Perp-Neg/Perp-Neg-stablediffusion",
  summary:
    "Alters negative prompting in diffusion guidance: of each negative direction, only the part orthogonal to the positive direction is subtracted, computed for each sample. The pull along the positive prompt is therefore the same for every negative weight. For text-to-3D, prompts and weights follow the camera azimuth to counter the Janus problem, where the front view appears everywhere.",
  claim:
    "If a negative prompt overlaps with the positive one, subtracting all of it damages the main concept, while its perpendicular part removes only the unwanted attribute. A model biased towards one view thus yields the requested view more reliably than with classifier-free guidance alone or with standard negative prompts.",
  formula: String.raw`\hat\epsilon=\epsilon_u+w_g\Big[\epsilon^{+}-\sum_iw_i\epsilon_i^{\perp}\Big],\quad\epsilon_i^{\perp}=\epsilon_i^{-}-\frac{\langle\epsilon_i^{-},\epsilon^{+}\rangle}{\|\epsilon^{+}\|^2}\,\epsilon^{+}`,
  exports: ["perpendicular", "perpNeg", "cfg", "composableNegative", "viewWeights"],
};
