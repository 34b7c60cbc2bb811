import type { Card } from "../card.ts";

export const card: Card = {
  number: 195,
  slug: "additive-margin-ssl",
  title: "Experimenting with Additive Margins for Contrastive Self-Supervised Speaker Verification",
  year: 2023,
  family: "contrastive",
  kind: "objective",
  arxiv: "2306.03664",
  link: "https://arxiv.org/abs/2306.03664",
  code: "https://github.com/theolepage/sslsv",
  summary:
    "Speaker embeddings are learned from two augmented crops of each unlabelled utterance with a symmetric contrastive loss: both views serve as anchors, and all embeddings of other utterances are negatives. A margin is subtracted from the cosine of the positive pair (AM) or added to its angle (AAM) during training only. Trials are scored by cosine similarity.",
  claim:
    "Making the contrastive loss symmetric supervises speaker embeddings better than using one view as anchor. Adding a cosine or angular margin to the positive pair further improves speaker separation. Both lower the equal error rate and minDCF of speaker verification.",
  formula: String.raw`L=-\frac{1}{|A|}\sum_{i\in A}\log\frac{e^{s(\cos\theta_{i,i^+}-m)}}{e^{s(\cos\theta_{i,i^+}-m)}+\sum_{j}e^{s\cos\theta_{ij}}}`,
  exports: [
    "losses/contrastive: ntXent",
    "losses/contrastive: addAngularMargin",
    "metrics/verification: eer",
    "metrics/verification: minDCF",
    "data/speech: syntheticSpeakers",
  ],
};
