import type { Card } from "../card.ts";

export const card: Card = {
  number: 16,
  slug: "npo",
  title: "Negative Preference Optimization: From Catastrophic Collapse to Effective Unlearning",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2404.05868",
  link: "https://arxiv.org/abs/2404.05868",
  code: "https://github.com/licong-lin/negative-preference-optimization",
  summary:
    "To forget a set of answers, the model minimises the losing half of the DPO loss, with the model before unlearning as the frozen reference. Its gradient equals that of gradient ascent times a weight that starts at 1 and tends to 0 as an answer becomes unlikely. A cross-entropy or KL term on retained data can be added to protect utility.",
  claim:
    "Under NPO the model drifts toward collapse logarithmically in the number of steps, whereas under gradient ascent the drift is linear. Forget quality against utility is better than for gradient ascent and its regularised variants, also when the forget set is 50 % of the data.",
  formula: String.raw`\mathcal L_{\text{NPO}}=\frac2\beta\,\mathbb E_{f}\left[\log\left(1+\left(\frac{\pi_\theta(y|x)}{\pi_{\text{ref}}(y|x)}\right)^{\beta}\right)\right]`,
  exports: [
    "losses/unlearning: npo",
    "losses/unlearning: idkLoss",
    "metrics: truthRatio",
    "metrics: ksTest",
    "diagnostics: driftCurve",
  ],
};
