import type { Card } from "../card.ts";

export const card: Card = {
  number: 96,
  slug: "perceptron-large-steps",
  title:
    "From Logistic Regression to the Perceptron Algorithm: Exploring Gradient Descent with Large Step Sizes",
  year: 2024,
  family: "theory",
  kind: "algorithm",
  arxiv: "2412.08424",
  link: "https://arxiv.org/abs/2412.08424",
  summary:
    "Studies gradient descent on the logistic loss for separable data when steps are large. As the step size γ tends to infinity, the iterates divided by γ follow a batch perceptron that adds 1/n times the sum of all misclassified points. A normalised variant divides the gradient by the mean predicted probability of the wrong label and has better iteration bounds.",
  claim:
    "In the limit of infinite step size, gradient descent on the logistic loss is the batch perceptron; larger steps classify all points sooner although the loss is higher and oscillates. The number of iterations exceeds the optimum by a factor n, whereas the normalised variant needs at most R²/μ² plus a term that vanishes for large steps.",
  formula: String.raw`\theta_{t+1}=\theta_t-\gamma\beta_t\nabla f(\theta_t),\quad\beta_t=\Big(\frac1n\sum_{i=1}^{n}\frac1{1+e^{y_ia_i^\top\theta_t}}\Big)^{-1}`,
  exports: ["logisticGD", "batchPerceptron", "perceptron", "margin", "worstCaseSeparable"],
};
