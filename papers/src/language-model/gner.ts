import type { Card } from "../card.ts";

export const card: Card = {
  number: 50,
  slug: "gner",
  title: "Rethinking Negative Instances for Generative Named Entity Recognition",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2402.16602",
  link: "https://arxiv.org/abs/2402.16602",
  code: "https://github.com/yyDing1/GNER",
  summary:
    "A generative tagger rewrites every input word followed by its BIO tag, so non-entity words appear in the output too. The prompt lists the allowed entity types, and the loss is ordinary next-token training on the output. A matching in three levels (identity, subsequence, longest common subsequence) aligns imperfect outputs with the input words.",
  claim:
    "Having the tagger write non-entity words as O raises entity F1 over listing entities only, most of all in zero-shot use, and F1 grows with the share of context words kept. Aligning outputs by three-level matching is fast and tolerates omissions, additions and substitutions, unlike exact-order matching.",
  formula: String.raw`\mathcal L=-\sum_t\log p\left(y_t\mid x,\mathcal T,y_{<t}\right),\quad y=w_1(\ell_1)\dots w_n(\ell_n),\;\;\ell_i\in\{\text O\}\cup\{\text B,\text I\}\times\mathcal T`,
  exports: [
    "data/bio:toBIO",
    "data/bio:parseBIO",
    "data/bio:contextWindow",
    "inference/align:hierarchicalMatching",
    "inference/align:lcsFast",
    "inference/align:lcsQuadratic",
    "metrics:entityF1",
  ],
};
