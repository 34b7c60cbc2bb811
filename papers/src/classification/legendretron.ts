import type { Card } from "../card.ts";

export const card: Card = {
  number: 90,
  slug: "legendretron",
  title: "LegendreTron: Uprising Proper Multiclass Loss Learning",
  year: 2023,
  family: "classification",
  kind: "model",
  arxiv: "2301.11695",
  link: "https://arxiv.org/abs/2301.11695",
  code: "https://github.com/khflam/legendretron",
  summary:
    "Learns the link function together with a linear model, so that the loss is itself learned and yet stays proper. Linear scores pass through the gradient of an input-convex network and then a softmax with a reference class held at zero; training minimises the negative log-likelihood. Several gradient maps can be composed, but the canonical-link guarantee holds for a single one.",
  claim:
    "Jointly learning the link and hence the proper loss beats multinomial logistic regression, whose link is fixed, in accuracy and AUC, most clearly on datasets with more than 10 classes. It is also more robust to label noise.",
  formula: String.raw`p=\operatorname{softmax}^{+}\!\big(\nabla\Phi(Wx+b)\big),\quad\Phi(z)=\operatorname{sp}(w_1)\,\mathrm{ICNN}(z)+\operatorname{sp}(w_0)\tfrac12\|z\|^2,\quad\operatorname{sp}=\text{softplus}`,
  exports: ["icnn", "convexGradientMap", "logSoftmaxPlus", "legendreLink"],
};
