import type { Card } from "../card.ts";

export const card: Card = {
  number: 146,
  slug: "xnot360",
  title: "A negation detection assessment of GPTs: analysis with the xNot360 dataset",
  year: 2023,
  family: "negation",
  kind: "benchmark",
  arxiv: "2306.16638",
  link: "https://arxiv.org/abs/2306.16638",
  summary:
    "A test set of 360 sentence pairs asks whether the second sentence is the logical negation of the first, with half of the pairs positive. The pairs come from templates under classical logic and include traps such as negating both parts of a conditional. GPT models answer yes or no zero-shot, and accuracy, precision, recall and F1 are compared.",
  claim:
    "Zero-shot negation detection differs widely in accuracy between GPT generations and stays well short of perfect. Conditionals and other compound forms should be harder than simple sentences if models follow negation words and not meaning.",
  formula: String.raw`\text{label}(\phi,\psi)=\mathbf 1\big[\psi\equiv\neg\phi\big],\qquad \neg(A\to B)\equiv A\land\neg B\not\equiv\neg A\to\neg B`,
  exports: ["Formula", "render", "isNegation", "equivalent", "xnot", "notParityRule", "tokenOverlapRule"],
};
