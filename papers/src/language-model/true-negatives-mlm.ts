import type { Card } from "../card.ts";

export const card: Card = {
  number: 101,
  slug: "true-negatives-mlm",
  title: "Language Model Pre-training on True Negatives",
  year: 2022,
  family: "language-model",
  kind: "objective",
  arxiv: "2212.00460",
  link: "https://arxiv.org/abs/2212.00460",
  summary:
    "Corrects masked-word pre-training for predictions that are acceptable synonyms of the original word. Hard correction drops the loss wherever the model's current top prediction is listed as a synonym of the gold word. Soft regularisation instead adds a penalty that grows as the cosine between predicted and gold embedding falls.",
  claim:
    "Removing or softening updates on synonym predictions improves downstream accuracy and robustness over the standard masked-language-model loss at an equal budget. The evidence is continued pre-training of BERT and ELECTRA checkpoints, evaluated on GLUE and SQuAD.",
  formula: String.raw`L=\frac{\sum_i\mathbf 1\big[\hat w_i\notin\operatorname{Syn}(g_i)\big]\,\mathrm{CE}_i}{\sum_i\mathbf 1\big[\hat w_i\notin\operatorname{Syn}(g_i)\big]}`,
  exports: ["maskedLM", "synonymTable", "mlmCorrupt", "synonymAttack"],
};
