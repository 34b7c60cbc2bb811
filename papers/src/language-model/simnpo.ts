import type { Card } from "../card.ts";

export const card: Card = {
  number: 154,
  slug: "simnpo",
  title: "Simplicity Prevails: Rethinking Negative Preference Optimization for LLM Unlearning",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2410.07163",
  link: "https://arxiv.org/abs/2410.07163",
  code: "https://github.com/OPTML-Group/Unlearn-Simple",
  summary:
    "SimNPO trains a language model to forget chosen answers without keeping a reference model. Its loss is a log-sigmoid of the negated log-likelihood of the answer divided by its length, so the pull on a sequence fades as that sequence becomes unlikely. A cross-entropy or KL term on retained data is added to preserve the remaining knowledge.",
  claim:
    "Swapping NPO's reference-based loss for the reference-free, length-normalised one brings the unlearned model closer to one retrained without the forget data, at equal utility on retained data. It is also harder to undo by relearning. The stated reason is that NPO spends too much effort on some forget data and too little on hard or short ones.",
  formula: String.raw`\mathcal L_{\text{SimNPO}}=-\frac{2}{\beta}\,\mathbb E_{\mathcal D_f}\Big[\log\sigma\Big(-\frac{\beta}{|y|}\log\pi_\theta(y\mid x)-\gamma\Big)\Big]`,
  exports: ["simNPO", "npo", "gradientAscent", "withRetain", "sequenceLogProb"],
};
