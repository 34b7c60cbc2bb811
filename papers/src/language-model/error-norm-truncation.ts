import type { Card } from "../card.ts";

export const card: Card = {
  number: 2,
  slug: "error-norm-truncation",
  title: "Error Norm Truncation: Robust Training in the Presence of Data Noise for Text Generation Models",
  year: 2023,
  family: "language-model",
  kind: "objective",
  arxiv: "2310.00840",
  link: "https://arxiv.org/abs/2310.00840",
  summary:
    "Every target token receives an error norm, the L2 distance between the predicted next-token distribution and the one-hot label. Tokens above a threshold δ, or the top fraction of a batch, are dropped from the likelihood loss through a mask without gradient. A near-uniform prediction has a norm below 1 while a confident mistake approaches √2, so uncertain but correct tokens are kept.",
  claim:
    "With noisy training text, dropping tokens by error norm instead of by their loss gives better generation on clean test data than plain MLE, loss truncation or TaiLr. The norm tells a confident contradiction from a token that is merely hard to predict, even when both have the same negative log-likelihood.",
  formula: String.raw`\mathcal L=\frac{\sum_t\mathbb 1[e_t\le\delta]\,(-\log p_{t,y_t})}{\sum_t\mathbb 1[e_t\le\delta]},\qquad e_t=\lVert p_t-\mathbf 1_{y_t}\rVert_2`,
  exports: [
    "losses/robust: errorNorm",
    "losses/robust: errorNormTruncation",
    "losses/robust: lossTruncation",
    "losses/robust: tailr",
    "data/noise: copySource",
    "data/noise: shuffleTarget",
    "data/noise: randomTokens",
    "data/cmudict: g2pPairs",
  ],
};
