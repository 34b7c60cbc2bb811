import type { Card } from "../card.ts";

export const card: Card = {
  number: 156,
  slug: "proper-losses-generative",
  title: "Proper losses for discrete generative models",
  year: 2022,
  family: "theory",
  kind: "score",
  arxiv: "2211.03761",
  link: "https://arxiv.org/abs/2211.03761",
  summary:
    "The work designs scores for generators over a finite set that can be sampled but give no probabilities. A proper loss whose convex generator is a polynomial is rewritten with indicators of coincidences among model draws and target draws, for example a collision of two model samples minus matches with a target sample. For the log loss it uses a random number of draws instead of a fixed one.",
  claim:
    "Suppose n draws from the model and m from the target are fixed in advance. A loss computed from these samples has the target as its unique minimiser in expectation only if that expectation is a suitable polynomial, of degree n or less in the model and m or less in the target, and every such polynomial can be realised. No fixed n can yield expected cross-entropy, but a random number of model draws can.",
  formula: String.raw`\mathbb E\big[\mathbf 1[x_1=x_2]-2\cdot\mathbf 1[x_1=y]\big]=\lVert p-q\rVert_2^2-\lVert p\rVert_2^2,\qquad x_1,x_2\sim q,\ y\sim p`,
  exports: [
    "blackBoxQuadratic",
    "blackBoxPower",
    "uStatPower",
    "inverseSamplingLogLoss",
    "poissonLogLoss",
    "pluginLogLoss",
    "isProper",
  ],
};
