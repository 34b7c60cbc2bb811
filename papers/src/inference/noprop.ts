import type { Card } from "../card.ts";

export const card: Card = {
  number: 191,
  slug: "noprop",
  title: "NoProp: Training Neural Networks without Back-propagation or Forward-propagation",
  year: 2025,
  family: "inference",
  kind: "algorithm",
  arxiv: "2503.24322",
  link: "https://arxiv.org/abs/2503.24322",
  summary:
    "NoProp treats each block of a network as a denoiser: given the input and a noised label embedding, it predicts the clean embedding and is updated by its own local loss, with no signal between blocks. Prediction starts from Gaussian noise, passes it through the blocks in sequence, and reads the class from the last state with a linear head. Continuous-time and flow-matching variants exist.",
  claim:
    "Blocks trained alone to denoise label embeddings reach accuracy close to end-to-end back-propagation on MNIST and CIFAR. They exceed earlier methods without back-propagation such as Forward-Forward and difference target propagation. Training needs less memory.",
  formula: String.raw`\mathcal L_t=\frac{T\eta}{2}\big(\operatorname{SNR}_t-\operatorname{SNR}_{t-1}\big)\,\mathbb E\big\lVert\hat u_{\theta_t}(z_{t-1},x)-u_y\big\rVert^2,\quad \operatorname{SNR}_t=\frac{\bar\alpha_t}{1-\bar\alpha_t}`,
  exports: [
    "inference/noprop: NoPropDT",
    "inference/noprop: NoPropCT",
    "inference/noprop: NoPropFM",
    "inference/noprop: trainBlock",
    "inference/noprop: predict",
    "generative/schedules: cosineAlphaBar",
    "generative/schedules: snr",
  ],
};
