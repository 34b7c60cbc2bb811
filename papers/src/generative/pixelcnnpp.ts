import type { Card } from "../card.ts";

export const card: Card = {
  number: 56,
  slug: "pixelcnnpp",
  title:
    "PixelCNN++: Improving the PixelCNN with Discretized Logistic Mixture Likelihood and Other Modifications",
  year: 2017,
  family: "generative",
  kind: "model",
  arxiv: "1701.05517",
  link: "https://arxiv.org/abs/1701.05517",
  code: "https://github.com/openai/pixel-cnn",
  summary:
    "Autoregressive image model that describes pixel values by a mixture of logistic distributions integrated over each intensity bin, instead of a 256-way softmax. Colour channels share mixture weights, and the means of later channels depend linearly on earlier ones. The network uses two streams of shifted convolutions, gated residual blocks, strided down- and up-sampling with long skips, and dropout.",
  claim:
    "After the same number of training steps, the discretised logistic mixture has lower test bits per dimension than PixelCNN with a 256-way softmax, and it ends level or better. Shortcut connections, down-sampling and dropout each contribute further, as ablations show.",
  formula: String.raw`P(x)=\sum_k\pi_k\Big[\sigma\big(\tfrac{x+1/255-\mu_k}{s_k}\big)-\sigma\big(\tfrac{x-1/255-\mu_k}{s_k}\big)\Big]`,
  exports: [
    "likelihood/discretized:discretizedLogisticMixture",
    "likelihood/discretized:sampleDLM",
    "nn/conv:downShiftedConv2d",
    "nn/conv:downRightShiftedConv2d",
    "nn/conv:gatedResnet",
    "generative/autoregressive:pixelCNN",
  ],
};
