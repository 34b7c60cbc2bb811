import type { Card } from "../card.ts";

export const card: Card = {
  number: 109,
  slug: "negative-distillation",
  title: "Diversifying Neural Dialogue Generation via Negative Distillation",
  year: 2022,
  family: "language-model",
  kind: "objective",
  arxiv: "2205.02795",
  link: "https://arxiv.org/abs/2205.02795",
  summary:
    "The half of the dialogue pairs whose responses have the highest source entropy, meaning replies shared by many different queries, trains a negative teacher. The student learns the corpus by maximum likelihood while a soft unlikelihood term moves its token distribution away from the teacher. Further terms separate hidden states and attention scores layer by layer, all under a weight that rises and then decays during training.",
  claim:
    "Distilling away from the negative teacher raises Dist-n and the share of rare words in generated replies above maximum likelihood, negative training on frequent replies and token unlikelihood. Relevance of the replies does not drop.",
  formula: String.raw`L=(1-\alpha)L_{mle}+\alpha\Big(L_{pred}+\sum_l L^l_{hid}+\sum_l L^l_{att}\Big),\quad L_{pred}=-\sum_{t,k}p_N(k\mid r_{<t},q)\log\big(1-p_S(k\mid r_{<t},q)\big)`,
  exports: [
    "losses/distill: softUnlikelihood",
    "losses/distill: meanReverseSquare",
    "optim: bellSchedule",
    "metrics: distinctN",
    "metrics: sourceEntropy",
    "metrics: genericRate",
  ],
};
