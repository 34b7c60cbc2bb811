import type { Card } from "../card.ts";

export const card: Card = {
  number: 185,
  slug: "lamp-anomaly",
  title:
    "Neural Network Training Strategy to Enhance Anomaly Detection Performance: A Perspective on Reconstruction Loss Amplification",
  year: 2023,
  family: "uncertainty",
  kind: "objective",
  arxiv: "2308.14595",
  link: "https://arxiv.org/abs/2308.14595",
  summary:
    "LAMP changes how an anomaly detector based on reconstruction is trained on normal data: an error e in [0, 1) is replaced by the negative log of 1 − e. Small errors are almost unchanged, while the gradient of large errors grows by the factor 1/(1 − e). The architecture and the way anomalies are scored stay as before.",
  claim:
    "Amplifying the reconstruction loss steepens the loss landscape, so the model generalises less to unseen anomalies and reconstructs them worse. The anomaly detection AUROC rises compared with the plain L2, L1 or SSIM loss on an unchanged architecture.",
  formula: String.raw`\ell_{\text{LAMP}}(e)=-\log(1-e)=e+\frac{e^2}{2}+\frac{e^3}{3}+\cdots,\qquad \frac{d\ell_{\text{LAMP}}}{de}=\frac{1}{1-e}`,
  exports: [
    "losses/reconstruction: lamp",
    "losses/reconstruction: logAmplify",
    "losses/reconstruction: ssim",
    "uncertainty/anomaly: reconstructionScore",
    "uncertainty/anomaly: oneClassProtocol",
    "metrics: auroc",
    "metrics: averagePrecision",
  ],
};
