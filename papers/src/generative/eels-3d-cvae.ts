import type { Card } from "../card.ts";

export const card: Card = {
  number: 1,
  slug: "eels-3d-cvae",
  title:
    "Robust Spectral Anomaly Detection in EELS Spectral Images via Three Dimensional Convolutional Variational Autoencoders",
  year: 2024,
  family: "generative",
  kind: "model",
  arxiv: "2412.16200",
  link: "https://arxiv.org/abs/2412.16200",
  summary:
    "A β-VAE whose convolutions run over both image axes and the energy axis is trained on defect-free patches of an electron energy-loss spectrum image. The decoder outputs a softmax over energy channels, fitted with the likelihood of the counts plus a weighted KL term toward a Gaussian prior. A pixel is scored by how poorly its spectrum is reconstructed, for example by the multinomial deviance in the edge window.",
  claim:
    "Scoring pixels with the 3-D convolutional VAE separates shifted edges from normal pixels with higher AUROC than PCA reconstruction error with 3 to 5 components, even for small shifts. The lead over PCA fades as anomalous pixels become rare. In the published protocol the VAE is fitted on bulk data only, whereas PCA is fitted on the cube that contains the anomalies.",
  formula: String.raw`\mathcal L=-\sum_{\text{px}}\sum_e\tilde x_e\log\operatorname{softmax}(\ell)_e+\frac{\beta}{2}\sum_k\left(\mu_k^2+\sigma_k^2-1-\log\sigma_k^2\right)`,
  exports: [
    "nn/conv: conv3d",
    "nn/conv: convTranspose3d",
    "generative/vae: betaVaeLoss",
    "generative/vae: gaussianKl",
    "losses/likelihood: multinomialNll",
    "diagnostics/anomaly: pcaReconstructionScore",
    "data/spectra: eelsCube",
  ],
};
