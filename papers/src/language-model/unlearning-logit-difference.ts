import type { Card } from "../card.ts";

export const card: Card = {
  number: 189,
  slug: "unlearning-logit-difference",
  title:
    "Reversing the Forget-Retain Objectives: An Efficient LLM Unlearning Framework from Logit Difference",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2406.08607",
  link: "https://arxiv.org/abs/2406.08607",
  code: "https://github.com/UCSB-NLP-Chang/ULD",
  summary:
    "ULD trains a small assistant model, cut from the first blocks of the target with LoRA, on the reversed task: it memorises the forget set and is pushed to a uniform output on retain data. Paraphrased forget items and altered answers sharpen what it learns. At inference a multiple of its logits is subtracted from those of the untouched target, with a filter that spares tokens the target finds improbable.",
  claim:
    "Subtracting the logits of an assistant that remembers only the forget set forgets as well as gradient ascent or NPO applied to the model itself. Degenerate output and the loss of other knowledge are avoided. Training is several times faster.",
  formula: String.raw`l_f=l-\alpha\,l_a,\qquad \mathcal L_a=\operatorname{CE}(D_f\cup D_f')+\lambda\,\mathbb E_{D_r\cup D_r'}\operatorname{KL}(\text{Unif}\,\Vert\,p_a)`,
  exports: [
    "likelihood/contrast: logitDifference",
    "language-model/unlearn: gradAscentLoss",
    "language-model/unlearn: npoLoss",
    "language-model/unlearn: uniformLoss",
    "language-model/unlearn: truncatedAssistant",
    "language-model/unlearn: truthRatio",
    "language-model/unlearn: ksTest",
  ],
};
