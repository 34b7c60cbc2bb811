import type { Card } from "../card.ts";

export const card: Card = {
  number: 104,
  slug: "nt-xent-additive-margin",
  title:
    "Additive Margin in Contrastive Self-Supervised Frameworks to Learn Discriminative Speaker Representations",
  year: 2024,
  family: "contrastive",
  kind: "objective",
  arxiv: "2404.14913",
  link: "https://arxiv.org/abs/2404.14913",
  code: "https://github.com/theolepage/sslsv",
  summary:
    "Speaker embeddings are learned without labels from two augmented views of each utterance. A constant margin m is deducted from the cosine of the positive pair, before scaling by 1/τ, inside the NT-Xent loss of SimCLR or MoCo. The symmetric version lets every embedding of both views serve as anchor, so each anchor meets 2N-2 negatives instead of N-1.",
  claim:
    "A positive-only additive margin (about 0.1) in NT-Xent yields a lower equal error rate in speaker verification than the same loss without margin, although some batch negatives may come from the anchor's speaker. Using the symmetric loss instead of the one-directional one lowers the error as well.",
  formula: String.raw`\ell(a)=-\log\frac{e^{s(\cos(a,p)-m)}}{e^{s(\cos(a,p)-m)}+\sum_{n\in\mathcal N(a)}e^{s\cos(a,n)}},\qquad s=\frac1\tau`,
  exports: [
    "losses/contrastive: infoNCE",
    "losses/contrastive: ntXent",
    "metrics: equalErrorRate",
    "metrics: minDCF",
    "data: syntheticSpeech",
  ],
};
