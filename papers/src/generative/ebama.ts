import type { Card } from "../card.ts";

export const card: Card = {
  number: 9,
  slug: "ebama",
  title: "Object-Conditioned Energy-Based Attention Map Alignment in Text-to-Image Diffusion Models",
  year: 2024,
  family: "generative",
  kind: "algorithm",
  arxiv: "2404.07389",
  link: "https://arxiv.org/abs/2404.07389",
  code: "https://github.com/YasminZhang/EBAMA",
  summary:
    "During the first half of the sampling steps the latent of a text-to-image diffusion model is moved down the gradient of a loss on cross-attention maps. For every object word the loss pulls the maps of its modifiers close, pushes the maps of unrelated words away, and rewards a strong peak of the object's own map. Only objects, and not modifiers, carry the repelling term.",
  claim:
    "Guiding the latent so that each object's attention map matches its modifiers, differs from other words and stays intense produces fewer swapped attributes and missing objects than plain sampling. It also improves on Attend-and-Excite and on symmetric attribute-binding losses.",
  formula: String.raw`\mathcal L=\sum_o\Big[\sum_{m\in M(o)}D(A_m,A_o)-\frac{|M(o)|}{|N(o)|}\sum_{u\in N(o)}D(A_o,A_u)\Big]-\lambda\sum_o\max_{xy}\tilde A_o`,
  exports: [
    "generative/attentionGuidance: attentionBindingLoss",
    "generative/attentionGuidance: intensityLoss",
    "generative/attentionGuidance: guidedSample",
    "generative/attentionGuidance: attendAndExcite",
    "data/shapes2: twoObjectScenes",
  ],
};
