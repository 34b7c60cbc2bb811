import type { Card } from "../card.ts";

export const card: Card = {
  number: 138,
  slug: "single-neuron-sharpness",
  title: "Robustly Learning a Single Neuron via Sharpness",
  year: 2023,
  family: "theory",
  kind: "algorithm",
  arxiv: "2306.07892",
  link: "https://arxiv.org/abs/2306.07892",
  summary:
    "A single neuron with a monotone activation is learned from data whose labels may be corrupted by an adversary. Instead of the square loss, projected stochastic gradient descent minimises a convex surrogate whose gradient is the residual times the input, without the activation's derivative. The surrogate is sharp: its gradient points to the optimum with a strength proportional to the distance from it.",
  claim:
    "The last iterate has a square loss within a universal constant factor of the best achievable one plus a small error, and the factor does not depend on the dimension. Gradient descent on the square loss has no such guarantee and can stall in a dead zone.",
  formula: String.raw`w_{t+1}=\Pi_{\|w\|\le W}\big(w_t-\eta\,\hat g_t\big),\qquad \mathbb E[\hat g_t]=\nabla L_{sur}(w_t)=\mathbb E\big[(\sigma(w_t\cdot x)-y)\,x\big]`,
  exports: ["glmSurrogate", "sharpnessAlongPath", "singleNeuronProblem"],
};
