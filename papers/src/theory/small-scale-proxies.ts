import type { Card } from "../card.ts";

export const card: Card = {
  number: 160,
  slug: "small-scale-proxies",
  title: "Small-scale proxies for large-scale Transformer training instabilities",
  year: 2023,
  family: "theory",
  kind: "diagnostic",
  arxiv: "2309.14322",
  link: "https://arxiv.org/abs/2309.14322",
  summary:
    "The study provokes large-scale training failures in small transformers by raising the learning rate and measures LR sensitivity, the average excess of the clipped final loss over the best one across a log grid of rates. It tests normalised queries and keys, a penalty on the squared log-partition function, and other interventions. Attention-logit and gradient norms are fitted against model size to foresee trouble.",
  claim:
    "Growth of attention logits and divergence of output logits, known from very large models, also occur in small ones at high learning rates. Query-key normalisation and the z-loss lower LR sensitivity compared with a standard pre-LN transformer, so a wider range of rates is usable. Some failures can be predicted by extrapolating norms with scale.",
  formula: String.raw`\text{sens}=\operatorname*{mean}_{\eta\in[a,b]}\big[\min(\ell(\eta),\ell_0)\big]-\min_{\eta\in[a,b]}\ell(\eta)`,
  exports: [
    "lrSensitivity",
    "attentionLogitStats",
    "logZStats",
    "scalingFit",
    "zLoss",
    "logZPenalty",
    "adamw",
  ],
};
