import type { Card } from "../card.ts";

export const card: Card = {
  number: 198,
  slug: "adaptive-margin-global-classifier",
  title: "Adaptive Margin Global Classifier for Exemplar-Free Class-Incremental Learning",
  year: 2024,
  family: "classification",
  kind: "objective",
  arxiv: "2409.13275",
  link: "https://arxiv.org/abs/2409.13275",
  summary:
    "For class-incremental learning without stored samples, the method keeps one Gaussian of features per class and trains a global linear classifier on a closed-form upper bound of the expected cross-entropy over these Gaussians. All classes count equally, and nothing is sampled. Enlarging the stored variances imitates the spread of old features as the extractor drifts and acts as a margin for each pair of classes.",
  claim:
    "Fitting the classifier to the stored Gaussians without sampling avoids the bias towards new classes. Enlarging the variances, which amounts to adding margins adapted to each class pair inside a softmax, raises accuracy over all seen classes. The baselines are sampled prototype replay, nearest class mean and the same classifier without enlarging.",
  formula: String.raw`L=\frac{1}{|C|}\sum_y\log\Big(1+\sum_{j\ne y}e^{(w_j-w_y)^\top\mu_y+b_j-b_y+m_{yj}}\Big),\quad m_{yj}=\tfrac{\lambda}{2}(w_j-w_y)^\top\Sigma_y(w_j-w_y)`,
  exports: [
    "losses/classification: gaussianCrossEntropy",
    "losses/classification: adaptiveMargins",
    "data/incremental: taskStream",
    "metrics/continual: averageIncremental",
    "metrics/continual: forgetting",
    "uncertainty/class-stats: classStats",
  ],
};
