import type { Card } from "../card.ts";

export const card: Card = {
  number: 203,
  slug: "elastic-quantization",
  title: "EQ-Net: Elastic Quantization Neural Networks",
  year: 2023,
  family: "compression",
  kind: "algorithm",
  arxiv: "2308.07650",
  link: "https://arxiv.org/abs/2308.07650",
  code: "https://github.com/xuke225/EQ-Net",
  summary:
    "EQ-Net trains one weight-sharing network that runs at bit-widths from 2 to 8, with scales per tensor or per channel and with or without an offset. One loss (WDR) pulls the kurtosis and skewness of the weights towards those of a uniform law; another (GPG) lets outputs of higher-bit settings guide lower-bit ones. An accuracy predictor is then fitted to measured settings and steers a genetic search over mixed precision.",
  claim:
    "With the weight-distribution and guidance losses, a single network serves many quantisation settings with accuracy close to that of a model trained separately for each. The conditional accuracy predictor lets a genetic search find mixed-precision settings quickly.",
  formula: String.raw`\mathcal L_{\text{WDR}}=0.015\,\overline{(\kappa-1.8)^2}+\overline{\xi^2},\qquad \mathcal L_{\text{GPG}}=\tfrac12\operatorname{KL}\big(\operatorname{sg}(p_{\text{prev}})\Vert p\big)+\tfrac12\operatorname{CE}(p,y)`,
  exports: [
    "compression/quant: fakeQuant",
    "compression/quant: initScale",
    "compression/quant: ElasticQuantizer",
    "compression/eqnet: weightDistributionLoss",
    "compression/eqnet: gpgStep",
    "compression/eqnet: AccuracyPredictor",
    "compression/eqnet: geneticSearch",
  ],
};
