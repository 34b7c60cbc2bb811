import type { Card } from "../card.ts";

export const card: Card = {
  number: 121,
  slug: "normalized-attention-guidance",
  title: "Normalized Attention Guidance: Universal Negative Guidance for Diffusion Model",
  year: 2025,
  family: "generative",
  kind: "algorithm",
  arxiv: "2505.21179",
  link: "https://arxiv.org/abs/2505.21179",
  code: "https://github.com/ChenDarYen/Normalized-Attention-Guidance",
  summary:
    "The attention output is computed for the positive and the negative prompt with the same queries, and the result is extrapolated away from the negative one. The per-token norm of the result, relative to the positive output, is capped at τ, and the capped feature is blended with the positive output by α. Only attention layers change, and no training is needed.",
  claim:
    "In few-step sampling the attention-space guidance suppresses the negative attribute and keeps sample quality, where classifier-free guidance with a negative prompt breaks down. With many sampling steps both approaches work.",
  formula: String.raw`\tilde Z=sZ^+-(s-1)Z^-,\quad \hat Z=\tilde Z\cdot\frac{\min(\rho,\tau)}{\rho},\quad \rho=\frac{\|\tilde Z\|_1}{\|Z^+\|_1},\quad Z_{out}=\alpha\hat Z+(1-\alpha)Z^+`,
  exports: ["generative: normalizedAttentionGuidance", "generative: cfg", "nn: CrossAttention"],
};
