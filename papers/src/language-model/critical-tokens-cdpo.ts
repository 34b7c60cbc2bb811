import type { Card } from "../card.ts";

export const card: Card = {
  number: 130,
  slug: "critical-tokens-cdpo",
  title: "Critical Tokens Matter: Token-Level Contrastive Estimation Enhence LLM's Reasoning Capability",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2411.19943",
  link: "https://arxiv.org/abs/2411.19943",
  code: "https://github.com/chenzhiling9954/Critical-Tokens-Matter",
  summary:
    "Critical tokens are positions in a wrong reasoning trace after which sampled continuations almost never reach the right answer. Instead of costly rollouts, each token is scored by contrasting a model tuned on correct traces with one tuned on incorrect traces. Preference training then weights the tokens of the rejected answer by one minus this score.",
  claim:
    "The contrastive score finds critical tokens at far lower cost than rollouts. Weighting rejected tokens with it gives higher reasoning accuracy than plain DPO.",
  formula: String.raw`L=-\log\sigma\Big(\gamma\Big[\log\tfrac{\pi(y^w)}{\pi_{ref}(y^w)}-\sum_t(1-s_t)\log\tfrac{\pi(y^l_t)}{\pi_{ref}(y^l_t)}\Big]\Big),\quad s_t\propto\frac{p^+(y^l_t)^{1+\beta}}{p^-(y^l_t)^{\beta}}`,
  exports: [
    "losses/preference: dpo",
    "losses/preference: tokenWeightedDpo",
    "likelihood: contrastiveEstimation",
    "diagnostics: rolloutCriticalToken",
  ],
};
