import type { Card } from "../card.ts";

export const card: Card = {
  number: 33,
  slug: "claps",
  title: "Contrastive Learning with Adversarial Perturbations for Conditional Text Generation",
  year: 2020,
  family: "language-model",
  kind: "objective",
  arxiv: "2012.07280",
  link: "https://arxiv.org/abs/2012.07280",
  code: "https://github.com/seanie12/CLAPS",
  summary:
    "A sequence-to-sequence model is trained with likelihood plus a contrastive loss between pooled source and target representations. A hard negative is made by a small step of the decoder states that lowers the likelihood most. A hard positive is pushed away from the source and then corrected so that the output distribution is restored.",
  claim:
    "Contrasting against adversarially perturbed hidden states, with a near negative and a distant positive, improves conditional text generation over maximum likelihood alone. It also improves over contrastive learning with random in-batch negatives.",
  formula: String.raw`\mathcal L=\mathcal L_{\text{MLE}}+\tfrac12\left(\mathcal L_{\text{cont}}+\mathcal L_{\text{cont}}^{\text{pos}}\right),\quad \tilde h_t=h_t+\epsilon\frac{g_t}{\lVert g_t\rVert},\; g=-\nabla_h\log p(y|x)`,
  exports: [
    "negatives/perturb: likelihoodImposter",
    "negatives/perturb: distantTarget",
    "autodiff: gradWrt",
    "nn: Seq2Seq",
  ],
};
