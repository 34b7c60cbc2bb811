import type { Card } from "../card.ts";

export const card: Card = {
  number: 172,
  slug: "negative-attention-score",
  title: "Correcting Negative Bias in Large Language Models through Negative Attention Score Alignment",
  year: 2024,
  family: "negation",
  kind: "diagnostic",
  arxiv: "2408.00137",
  link: "https://arxiv.org/abs/2408.00137",
  code: "https://github.com/ysw1021/NASA",
  summary:
    "The negative attention score rates each attention head by how much it looks at the two answer words in the instruction, times the log ratio of its attention to no against yes. Heads with the highest scores are taken as carriers of a bias towards no. NASA then tunes only the query and key projections of these heads, one head after another, with checks that stop or roll back.",
  claim:
    "In yes/no reasoning tasks language models lean to the answer no, so that yes has a precision far above its recall. The lean sits in a few heads that attend to the word no regardless of the question. Tuning only the query and key projections of those heads closes the gap between precision and recall without harming other abilities.",
  formula: String.raw`\operatorname{NAS}^{l,h}(x)=\sum_{i=p}^{T}\big(A^{l,h}_{i,t_Y}+A^{l,h}_{i,t_N}\big)\log\frac{A^{l,h}_{i,t_N}}{A^{l,h}_{i,t_Y}}`,
  exports: [
    "negation/nas: negativeAttentionScore",
    "negation/nasa: alignHeads",
    "negation/yesno: countryQuestions",
  ],
};
