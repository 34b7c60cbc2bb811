import type { Card } from "../card.ts";

export const card: Card = {
  number: 192,
  slug: "bayes-decision-long-tail",
  title: "Long-tailed Classification from a Bayesian-decision-theory Perspective",
  year: 2023,
  family: "classification",
  kind: "objective",
  arxiv: "2303.06075",
  link: "https://arxiv.org/abs/2303.06075",
  code: "https://github.com/lblaoke/RF-DLC",
  summary:
    "Long-tailed classification is cast as minimising integrated risk: the expected utility under a posterior over models and a test distribution that is more balanced than the training data. The resulting bound weights samples by inverse class frequency, includes a utility matrix for the cost of each confusion, and is optimised with an ensemble of particles kept apart by a repulsion term.",
  claim:
    "Re-balancing losses and ensembles both approximate the minimisation of integrated risk. Training particles on that objective directly, with a utility matrix for the task, gives higher accuracy over all classes and especially the tail than re-weighting, LDAM-DRW and plain ensembles. It also lowers the rate at which tail samples are predicted as head classes.",
  formula: String.raw`\max_{q}\ \mathbb E_{q(\theta)}\Big[\sum_i\frac{1}{n_{y_i}}\sum_k u_{y_i,k}\log p_\theta(k\mid x_i)\Big]-\operatorname{KL}(q\Vert p)`,
  exports: [
    "losses/classification: ldamMargin",
    "losses/classification: deferredReweight",
    "losses/classification: integratedRisk",
    "losses/classification: particleRepulsion",
    "uncertainty/decision: bayesDecision",
    "uncertainty/decision: falseHeadRate",
    "data/long-tail: exponentialImbalance",
  ],
};
