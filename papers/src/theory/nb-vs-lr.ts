import type { Card } from "../card.ts";

export const card: Card = {
  number: 30,
  slug: "nb-vs-lr",
  title: "Revisiting Discriminative vs. Generative Classifiers: Theory and Implications",
  year: 2023,
  family: "theory",
  kind: "bound",
  arxiv: "2302.02334",
  link: "https://arxiv.org/abs/2302.02334",
  code: "https://github.com/ML-GSAI/Revisiting-Dis-vs-Gen-Classifiers",
  summary:
    "Multiclass Gaussian naive Bayes with a shared diagonal variance is compared with softmax regression on the same fixed features. The theory bounds how many samples each needs to come near its own asymptotic error, using consistency bounds that transfer the excess logistic loss to zero-one loss. For naive Bayes the count is logarithmic in the number n of features, for logistic regression linear.",
  claim:
    "For n features, multiclass naive Bayes comes near its own asymptotic error after O(log n) samples, while logistic regression needs O(n). On frozen features naive Bayes therefore has the lower error when labels are few, and logistic regression when they are many.",
  formula: String.raw`m_{\mathcal A}(\epsilon_0)=\min\{m:\operatorname{err}_{\mathcal A}(m)\le\operatorname{err}_{\mathcal A}(\infty)+\epsilon_0\},\quad m_{\text{NB}}=O(\log n),\;\; m_{\text{LR}}=O(n)`,
  exports: [
    "theory/classifiers: gaussianNaiveBayes",
    "theory/classifiers: softmaxRegression",
    "theory/classifiers: sampleComplexity",
    "theory/classifiers: gaussianMixtureTask",
    "theory/classifiers: bayesErrorEasy",
  ],
};
