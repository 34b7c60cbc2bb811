import type { Card } from "../card.ts";

export const card: Card = {
  number: 197,
  slug: "spike-no-more",
  title: "Spike No More: Stabilizing the Pre-training of Large Language Models",
  year: 2023,
  family: "theory",
  kind: "diagnostic",
  arxiv: "2312.16903",
  link: "https://arxiv.org/abs/2312.16903",
  summary:
    "The paper bounds the Jacobian norms of the sub-layers of a pre-LN transformer and derives two conditions for stable pre-training: small sub-layer weights and a residual stream with a large standard deviation. The usual small initialisation meets the first but leaves embeddings too small for the second. Scaling embeddings by √d, or applying layer normalisation to them, repairs this.",
  claim:
    "Loss spikes in pre-LN transformers arise from growing gradients in shallow layers. With small sub-layer weights and a large shortcut these gradients stay bounded. Scaled or normalised embeddings let larger learning rates train without spikes, whereas the same model with standard small embeddings spikes.",
  formula: String.raw`\Big\lVert\frac{\partial y}{\partial x'}\Big\rVert_2\le1+\frac{\sigma_1\sigma_2}{\sigma_{x'}}\,C_{\text{ffn}},\qquad C_{\text{ffn}}=\big(\sqrt d+\sqrt{d_{\text{ff}}}\big)^2`,
  exports: [
    "nn/transformer: init",
    "nn/transformer: embedScale",
    "diagnostics/stability: jacobianBound",
    "diagnostics/stability: gradNormByLayer",
    "diagnostics/stability: spikeDetector",
    "diagnostics/stability: powerIteration",
  ],
};
