import type { Card } from "../card.ts";

export const card: Card = {
  number: 87,
  slug: "dynamic-bad-pair-mining",
  title: "Towards Enhancing Time Series Contrastive Learning: A Dynamic Bad Pair Mining Approach",
  year: 2023,
  family: "contrastive",
  kind: "algorithm",
  arxiv: "2302.03357",
  link: "https://arxiv.org/abs/2302.03357",
  code: "https://github.com/lanxiang1017/DynamicBadPairMining_ICLR24",
  summary:
    "Records the loss history of every positive pair in contrastive learning of time series. After a warm-up, pairs whose weighted mean loss is unusually low (shared noise is aligned) or unusually high (augmentation destroyed the signal) are flagged, anew in each epoch. Their current loss is multiplied by a Gaussian weight around the global mean, and other pairs keep weight 1.",
  claim:
    "Some positive pairs harm contrastive learning of time series: noisy ones show persistently low loss, faulty ones persistently high loss. Down-weighting both tails of the loss history raises linear-probe accuracy above that of SimCLR trained on all pairs.",
  formula: String.raw`\bar l_i=\frac1e\sum_{t=0}^{e-1}w_tl_{i,t};\quad\bar l_i\le\mu-\beta_{np}\sigma\ \text{or}\ \bar l_i\ge\mu+\beta_{fp}\sigma\ \Rightarrow\ \omega_i=\mathcal N(l_i;\mu,\sigma)`,
  exports: ["BadPairMemory", "ntXent", "linearProbe"],
};
