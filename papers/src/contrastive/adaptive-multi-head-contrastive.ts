import type { Card } from "../card.ts";

export const card: Card = {
  number: 105,
  slug: "adaptive-multi-head-contrastive",
  title: "Adaptive Multi-head Contrastive Learning",
  year: 2023,
  family: "contrastive",
  kind: "objective",
  arxiv: "2310.05615",
  link: "https://arxiv.org/abs/2310.05615",
  code: "https://github.com/LeiWangR/cl",
  summary:
    "Several projection heads share one backbone, and each head has a small network that outputs a temperature for every pair of samples. The contrastive loss is summed over the heads and uses the pair temperatures in its logits. A penalty derived from a Gaussian likelihood pulls each temperature towards a finite value, so it neither collapses to zero nor flattens the similarities.",
  claim:
    "SimCLR with several heads and learned pair temperatures scores higher in linear-probe and kNN accuracy than SimCLR with one head and one fixed temperature. The advantage grows with the number of augmentation types in use.",
  formula: String.raw`L=\sum_{c}\Big[\mathbb E_i\log\Big(1+\sum_{j}e^{s^c_{ij}/\tau^c_{ij}-s^c_{ii^+}/\tau^c_{ii^+}}\Big)+\beta\,\overline{\Omega(\tau^c)}\Big],\quad \Omega(\tau)=\tfrac{d'}{2}\log\tau+\tfrac1\tau`,
  exports: [
    "losses/contrastive: adaptiveMultiHeadNtXent",
    "losses/contrastive: temperaturePenalty",
    "nn: MultiHeadProjector",
    "nn: PairTemperature",
    "metrics: knnAccuracy",
    "metrics: linearProbe",
  ],
};
