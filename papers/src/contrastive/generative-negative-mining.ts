import type { Card } from "../card.ts";

export const card: Card = {
  number: 61,
  slug: "generative-negative-mining",
  title:
    "Enhancing Multimodal Compositional Reasoning of Visual Language Models with Generative Negative Mining",
  year: 2023,
  family: "contrastive",
  kind: "sampler",
  arxiv: "2311.03964",
  link: "https://arxiv.org/abs/2311.03964",
  code: "https://github.com/ugorsahin/Generative-Negative-Mining",
  summary:
    "For each image-caption pair, one tagged item is swapped in the caption for plausible alternatives, and its image region is in-painted to agree with each new caption; weak results are filtered out by image-text matching scores. A dual encoder is fine-tuned with symmetric cross-entropy on batches mixing such groups with ordinary pairs, so variants act as hard negatives in both directions.",
  claim:
    "Fine-tuning with near-miss variations generated in both image and text gives higher text, image and group scores in compositional matching than training on random batches. It also exceeds training with generated negative captions only, in the manner of NegCLIP.",
  formula: String.raw`L=\tfrac12\big[\mathrm{CE}(\lambda UV^\top,I)+\mathrm{CE}(\lambda VU^\top,I)\big]`,
  exports: [
    "data/scenes:renderScene",
    "data/scenes:captionScene",
    "data/scenes:variations",
    "negatives/generate:pairedVariations",
    "losses/contrastive:clipLoss",
    "metrics/compositional:groupScores",
  ],
};
