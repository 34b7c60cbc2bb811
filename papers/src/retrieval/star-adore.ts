import type { Card } from "../card.ts";

export const card: Card = {
  number: 94,
  slug: "star-adore",
  title: "Optimizing Dense Retrieval Model Training with Hard Negatives",
  year: 2021,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2104.08051",
  link: "https://arxiv.org/abs/2104.08051",
  code: "https://github.com/jingtaozhan/DRhard",
  summary:
    "Two ways to train dense retrievers with hard negatives. STAR joins hard negatives mined once by a warm-up model with in-batch ones, which act as random negatives and stabilise training. ADORE freezes documents and index, trains only the query encoder, retrieves its current top documents at every step and weights a pairwise loss by the change in a ranking metric.",
  claim:
    "Random negatives minimise the total count of misordered pairs and hard negatives the errors at the top of the list, but static hard negatives alone are unstable. Adding random negatives (STAR) cures this, real-time negatives (ADORE) raise MRR@10 further, and the combination does best.",
  formula: String.raw`L_{\mathrm{ADORE}}\propto\sum_{i\in D^+}\sum_{j\notin D^+}\log\big(1+e^{-(s_i-s_j)}\big)\,\Big|\frac1{\pi_i}-\frac1{\pi_j}\Big|`,
  exports: [
    "starLoss",
    "lambdaMRR",
    "staticMiner",
    "realtimeMiner",
    "trainQueryEncoder",
    "pairErrors",
    "listOverlap",
  ],
};
