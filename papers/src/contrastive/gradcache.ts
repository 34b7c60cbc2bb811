import type { Card } from "../card.ts";

export const card: Card = {
  number: 143,
  slug: "gradcache",
  title: "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
  year: 2021,
  family: "contrastive",
  kind: "algorithm",
  arxiv: "2101.06983",
  link: "https://arxiv.org/abs/2101.06983",
  code: "https://github.com/luyug/GradCache",
  summary:
    "A large contrastive batch is processed in chunks by cutting the backward pass at the representations. All chunks are first encoded without gradients; the loss on all representations then yields and stores a gradient for each of them. Every chunk is encoded again with the same random state, and its stored gradient is propagated into the encoder before one optimiser step.",
  claim:
    "The chunked procedure reproduces the full-batch gradient exactly, with activation memory for one chunk only and one more forward pass per example. Gradient accumulation at the same memory optimises a weaker objective, because each example sees only the negatives of its own chunk.",
  formula: String.raw`\frac{\partial L}{\partial\Theta}=\sum_i u_i^\top\frac{\partial f(s_i)}{\partial\Theta},\qquad u_i=\frac{\partial L}{\partial f(s_i)}`,
  exports: ["gradCacheStep", "vjp"],
};
