import type { Card } from "../card.ts";

export const card: Card = {
  number: 91,
  slug: "anchored-diffusion-lm",
  title: "Anchored Diffusion Language Model",
  year: 2025,
  family: "generative",
  kind: "model",
  arxiv: "2505.18456",
  link: "https://arxiv.org/abs/2505.18456",
  code: "https://github.com/LituRout/ADLM",
  summary:
    "Masked-diffusion language model in two stages: an anchor network predicts a token distribution at each position of the masked text, and a lighter denoiser reads these predictions to reconstruct the text. Both are trained together with the usual masked likelihood bound plus a small extra term that makes the anchor network predict rare, informative tokens.",
  claim:
    "Masked diffusion loses likelihood when informative tokens are masked early. Predicting such tokens first with an anchor network lowers test perplexity relative to a masked diffusion model (MDLM) of equal size and training tokens, by up to 25% in the reported results.",
  formula: String.raw`L=\mathbb E_t\frac1t\Big[\sum_{\text{masked}}-\log\langle x_\psi^l,x^l\rangle+\gamma\sum_{\text{masked}\,\wedge\,\text{important}}-\log\langle y_\varphi^l,x^l\rangle\Big]`,
  exports: ["maskTokens", "mdlmLoss", "anchoredLoss", "nelbo", "sample", "twoStageDenoiser"],
};
