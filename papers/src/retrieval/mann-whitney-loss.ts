import type { Card } from "../card.ts";

export const card: Card = {
  number: 55,
  slug: "mann-whitney-loss",
  title: "Optimizing What Matters: AUC-Driven Learning for Robust Neural Retrieval",
  year: 2025,
  family: "retrieval",
  kind: "objective",
  arxiv: "2510.00137",
  link: "https://arxiv.org/abs/2510.00137",
  summary:
    "Trains a dense retriever with the logistic loss averaged over all differences between positive and negative scores in a batch, so each positive is compared with the negatives of every query and not only with its own. The similarities already computed for the batch are reused. Divided by ln 2, the loss is an upper bound on one minus AUC.",
  claim:
    "The softmax loss per query ignores a shift of all scores of one query, so any AUC below 1 can go with the same InfoNCE value. With encoder, batch and negatives unchanged, replacing InfoNCE by the Mann-Whitney loss raises AUC over all query-document scores and also helps ranking metrics.",
  formula: String.raw`L_{\mathrm{MW}}=\frac1{|P||M|}\sum_{p\in P}\sum_{n\in M}\log\big(1+e^{-(p-n)/\tau}\big),\qquad 1-\mathrm{AUC}\le\frac{L_{\mathrm{MW}}}{\ln2}`,
  exports: ["losses/ranking:mannWhitney", "metrics:auroc", "metrics:rocCurve", "metrics:partialAuc"],
};
