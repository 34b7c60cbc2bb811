import type { Card } from "../card.ts";

export const card: Card = {
  number: 134,
  slug: "argue-attribute-prompt-tuning",
  title: "ArGue: Attribute-Guided Prompt Tuning for Vision-Language Models",
  year: 2023,
  family: "classification",
  kind: "algorithm",
  arxiv: "2311.16494",
  link: "https://arxiv.org/abs/2311.16494",
  summary:
    "Soft prompts of a frozen image-text model are tuned with several visual attributes per class, and the class logit is the mean over its attribute prompts. Attributes are chosen by clustering the candidates and keeping in each cluster the one closest to the class images. A regulariser holds the tuned text features near hand-written prompts, and a negative-prompt loss asks for a uniform prediction from class-agnostic phrases such as the background.",
  claim:
    "Attribute-guided prompt tuning reaches higher accuracy on unseen classes and under domain shift than CoOp, which tunes with the bare class name. Pushing the prediction of spurious negative prompts to uniform improves it further.",
  formula: String.raw`L=L_{cls}+\beta L_{reg}+\gamma L_{neg},\quad p(c\mid I)\propto\exp\Big(\frac1{J\tau}\sum_j\cos(x,g(t_c^j))\Big),\quad L_{neg}=-\frac1C\sum_c\log p^-(c\mid I)`,
  exports: [
    "nn: PromptLearner",
    "classification: attributeLogits",
    "losses/classification: uniformityCe",
    "negatives: selectAttributes",
  ],
};
