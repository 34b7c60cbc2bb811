import type { Card } from "../card.ts";

export const card: Card = {
  number: 15,
  slug: "unpg",
  title: "Unified Negative Pair Generation toward Well-discriminative Feature Space for Face Recognition",
  year: 2022,
  family: "contrastive",
  kind: "objective",
  arxiv: "2203.11593",
  link: "https://arxiv.org/abs/2203.11593",
  code: "https://github.com/Jung-Jun-Uk/UNPG",
  summary:
    "A face embedding is trained with a margin softmax over class prototypes whose denominator also contains the similarities of all in-batch pairs from different identities. Pairs outside the whiskers of a box plot are removed first, since very similar ones are likely mislabelled. The filtered set is appended to the row of every sample.",
  claim:
    "Adding filtered sample-pair negatives to the denominator of CosFace, ArcFace or MagFace separates positive and negative similarities better and raises TAR at low FAR on unseen identities. The unified loss is also claimed to beat a margin loss with an auxiliary triplet or contrastive term.",
  formula: String.raw`\mathcal L=-\frac1B\sum_i\log\frac{e^{s\psi_i}}{e^{s\psi_i}+\sum_{j\ne y_i}e^{s\cos\theta_{ij}}+\sum_{v\in S'}e^{sv}}`,
  exports: [
    "losses/metric: cosFaceLogits",
    "losses/metric: arcFaceLogits",
    "losses/metric: unpg",
    "negatives/filter: boxWhiskerMask",
    "metrics/verification: tarAtFar",
    "data/glyphs: strokeIdentities",
  ],
};
