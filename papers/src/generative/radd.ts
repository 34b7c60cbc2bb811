import type { Card } from "../card.ts";

export const card: Card = {
  number: 194,
  slug: "radd",
  title: "Your Absorbing Discrete Diffusion Secretly Models the Conditional Distributions of Clean Data",
  year: 2024,
  family: "generative",
  kind: "model",
  arxiv: "2406.03736",
  link: "https://arxiv.org/abs/2406.03736",
  code: "https://github.com/ML-GSAI/RADD",
  summary:
    "RADD shows that the concrete score of mask diffusion factors into a known function of time and the clean-data probability of a token given the unmasked ones. The network therefore drops its time input and predicts those conditionals directly, trained with a weighted cross-entropy on masked positions. During sampling its output is cached for as long as no token changes.",
  claim:
    "A network without time input models text at least as well as a time-conditioned absorbing diffusion model trained with score entropy. The diffusion bound equals the loss of an any-order autoregressive model. Caching outputs while the sequence is unchanged lowers the number of network evaluations in sampling.",
  formula: String.raw`\frac{p_t(x^{i\to v})}{p_t(x)}=\frac{e^{-\bar\sigma(t)}}{1-e^{-\bar\sigma(t)}}\;p_0\big(v\mid x^{\text{UM}}\big)`,
  exports: [
    "generative/discrete-diffusion: logLinear",
    "generative/discrete-diffusion: maskTokens",
    "generative/discrete-diffusion: lambdaDCE",
    "generative/discrete-diffusion: tDCE",
    "generative/discrete-diffusion: tDSE",
    "generative/discrete-diffusion: kDCE",
    "generative/discrete-diffusion: sampleAbsorbing",
    "generative/discrete-diffusion: expectedNFE",
    "generative/discrete-diffusion: anyOrderNLL",
  ],
};
