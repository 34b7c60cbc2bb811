import type { Card } from "../card.ts";

export const card: Card = {
  number: 67,
  slug: "non-negative-contrastive",
  title: "Non-negative Contrastive Learning",
  year: 2024,
  family: "contrastive",
  kind: "objective",
  arxiv: "2403.12459",
  link: "https://arxiv.org/abs/2403.12459",
  code: "https://github.com/PKU-ML/non_neg",
  summary:
    "Applies a non-negative map such as ReLU to the projector output before normalisation and the usual InfoNCE loss. One variant keeps ReLU in the forward pass but takes GELU's derivative backwards, so that units do not die. In theory, the spectral contrastive loss then turns into symmetric non-negative matrix factorisation, which removes the rotation ambiguity of unconstrained features.",
  claim:
    "Compared with SimCLR on the same encoder, non-negative contrastive features are sparser, closer to orthogonal and tied more consistently to single classes. Downstream accuracy stays equal or gets better.",
  formula: String.raw`L=-\log\frac{e^{\hat f(x)^\top\hat f(x^+)/\tau}}{\sum_{x'}e^{\hat f(x)^\top\hat f(x')/\tau}},\quad\hat f=\frac{f_+}{\|f_+\|},\quad f_+=\operatorname{ReLU}(f)`,
  exports: [
    "nn/activations:repRelu",
    "losses/contrastive:spectralContrastive",
    "metrics/features:classConsistency",
    "metrics/features:activationSparsity",
    "metrics/features:effectiveRank",
    "metrics/features:columnOrthogonality",
    "metrics/features:selectTopDims",
    "inference/nmf:symmetricNMF",
  ],
};
