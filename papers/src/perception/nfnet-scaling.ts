import type { Card } from "../card.ts";

export const card: Card = {
  number: 183,
  slug: "nfnet-scaling",
  title: "ConvNets Match Vision Transformers at Scale",
  year: 2023,
  family: "perception",
  kind: "model",
  arxiv: "2310.16764",
  link: "https://arxiv.org/abs/2310.16764",
  summary:
    "Convolutional networks without normalisation layers (NFNets) of several depths and widths are pre-trained on JFT-4B, a labelled set of billions of images, for budgets from a quarter epoch to eight epochs. They use scaled weight standardisation, analytic variance prediction in residual blocks and adaptive gradient clipping, with the learning rate tuned per budget. The best models are then fine-tuned and compared with Vision Transformers.",
  claim:
    "Held-out loss of normaliser-free convnets follows a straight line against compute on log-log axes. After fine-tuning, they match the accuracy of Vision Transformers that were given comparable pre-training compute.",
  formula: String.raw`\log L=a-b\log C,\qquad h_{l+1}=h_l+\alpha f_l(h_l/\beta_l)`,
  exports: [
    "nn/nfnet: scaledWSConv",
    "nn/nfnet: NFBlock",
    "nn/nfnet: nfnet",
    "nn/vit: vit",
    "optim/agc: adaptiveClip",
    "diagnostics/scaling: fitPowerLaw",
    "diagnostics/scaling: countFlops",
  ],
};
