import type { Card } from "../card.ts";

export const card: Card = {
  number: 167,
  slug: "first-token-boilerplate",
  title: "Do Stop Me Now: Detecting Boilerplate Responses with a Single Iteration",
  year: 2025,
  family: "likelihood",
  kind: "score",
  arxiv: "2510.22679",
  link: "https://arxiv.org/abs/2510.22679",
  summary:
    "The method runs a single generation step on a prompt and keeps the log-probabilities of the whole vocabulary at the first response position. A k-nearest-neighbour classifier with k = 3 on these vectors sorts the coming reply into chat, greeting, thanks or refusal. If a boilerplate reply is predicted, generation is stopped or sent elsewhere after that one step.",
  claim:
    "The log-probability vector of the first generated token already shows whether the reply will be substantive or boilerplate such as a refusal. A k-NN on it reaches accuracy close to 1 in cross-validation on models of about 1 to 3 billion parameters. Stopping after one step therefore saves the cost of generating such replies.",
  formula: String.raw`\phi(x)=\log\operatorname{softmax}(z_1(x))\in\mathbb R^{V},\qquad \hat y(x)=\operatorname{majority}\{y_i: i\in\operatorname{NN}_3(\phi(x))\}`,
  exports: ["firstTokenLogProbs", "knn", "boilerplateDetector", "crossValidate", "tokensSaved"],
};
