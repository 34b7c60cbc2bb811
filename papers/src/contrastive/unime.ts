import type { Card } from "../card.ts";

export const card: Card = {
  number: 147,
  slug: "unime",
  title: "Breaking the Modality Barrier: Universal Embedding Learning with Multimodal LLMs",
  year: 2025,
  family: "contrastive",
  kind: "objective",
  arxiv: "2504.17432",
  link: "https://arxiv.org/abs/2504.17432",
  code: "https://github.com/deepglint/UniME",
  summary:
    "Embedding training of a multimodal language model has two stages. The text component first learns to match the in-batch similarity distribution of a strong text-only teacher through a KL loss. Contrastive tuning then drops batch items that score above the positive by more than β, as suspected false negatives, and uses only the k most similar remaining ones as negatives.",
  claim:
    "Text distillation followed by filtered hard-negative tuning gives higher cross-modal R@1 and better compositional retrieval than plain in-batch InfoNCE. Filtering suspected false negatives before taking the top k is part of the gain.",
  formula: String.raw`L_i=-\log\frac{e^{s_{ii}/\tau}}{e^{s_{ii}/\tau}+\sum_{j\in H_i}e^{s_{ij}/\tau}},\qquad H_i=\operatorname{top}_k\{j\ne i:\ s_{ij}\le s_{ii}+\beta\}`,
  exports: ["topkFilteredInfoNCE", "inBatchTopK", "similarityKL"],
};
