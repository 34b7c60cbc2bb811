import type { Card } from "../card.ts";

export const card: Card = {
  number: 85,
  slug: "easyllp",
  title: "Easy Learning from Label Proportions",
  year: 2023,
  family: "classification",
  kind: "objective",
  arxiv: "2302.03115",
  link: "https://arxiv.org/abs/2302.03115",
  summary:
    "Learns a classifier for single instances when only the share α of positives in each bag of size k is known. Every instance of a bag gets the soft label k(α-p)+p, with p the overall positive rate; given the instance, its expectation is the true label probability. Any loss can be used with it, and centring the loss difference reduces the variance.",
  claim:
    "For any loss function, debiased bag labels estimate the instance-level loss without bias when bags are random. Relative to full supervision, learning gets worse by no more than a factor k, the bag size. Accuracy matches or beats that of fitting predicted to given bag proportions.",
  formula: String.raw`\ell_B(h)=\frac1k\sum_{x\in B}\big[\tilde y\,\ell(h(x),1)+(1-\tilde y)\,\ell(h(x),0)\big],\quad\tilde y=k(\alpha-p)+p`,
  exports: ["easyLLP", "easyLLPLabels", "proportionMatching", "llpValidationLoss", "makeBags"],
};
