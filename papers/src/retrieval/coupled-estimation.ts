import type { Card } from "../card.ts";

export const card: Card = {
  number: 27,
  slug: "coupled-estimation",
  title: "Hard Negatives or False Negatives: Correcting Pooling Bias in Training Neural Ranking Models",
  year: 2022,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2209.05072",
  link: "https://arxiv.org/abs/2209.05072",
  summary:
    "Labels are modelled as the product of two events: a document was selected for judging, and it is relevant. One model of each event is trained with a list loss, and each supplies the weights of the negatives in the other's loss. An unlabelled document that the pool would probably have missed then counts little as a negative.",
  claim:
    "Judgements cover only what basic retrievers pooled, so hard negatives from a stronger retriever hide more unlabelled positives and can lower ranking quality. Joint estimation with mutual reweighting removes this bias, and hard negatives then raise MRR@10 and nDCG@10 compared with uncorrected training.",
  formula: String.raw`\mathcal L_R=-\log\frac{e^{R(q,d^+)}}{e^{R(q,d^+)}+\sum_iw_i^R\,e^{R(q,d_i)}},\qquad w_i^R=\frac{S(q,d_i)}{S(q,d^+)}`,
  exports: [
    "negatives/pooling: coupledWeights",
    "negatives/pooling: weightedListCE",
    "negatives/pooling: trainCET",
  ],
};
