import type { Card } from "../card.ts";

export const card: Card = {
  number: 76,
  slug: "exact-inductive-bias",
  title: "Towards Exact Computation of Inductive Bias",
  year: 2024,
  family: "theory",
  kind: "diagnostic",
  arxiv: "2406.15941",
  link: "https://arxiv.org/abs/2406.15941",
  code: "https://github.com/FieteLab/Exact-Inductive-Bias",
  summary:
    "Measures in bits how far a hypothesis class must be narrowed so that models which fit the training set also reach test error ε. Many interpolating models are sampled, either Gaussian-process draws or networks from different initialisations. A scaled non-central chi-squared law is fitted to their test errors, and its lower tail gives the probability of a good model.",
  claim:
    "The bits of inductive bias a task needs can be estimated by fitting the distribution of test errors, rather than only bounded from above. Tasks of higher dimension need more bits. If the hypothesis class consists of neural networks, far fewer bits remain to be added than for a kernel class.",
  formula: String.raw`I(\varepsilon)=-\log_2P_{h\sim p_h}\big(e(h)\le\varepsilon\big),\qquad e/s\sim\chi'^2_k(\lambda)`,
  exports: ["inductiveBias", "noncentralChi2", "posteriorSampler"],
};
