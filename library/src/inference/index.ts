export { type Assignment, hungarian, murtyKBest } from "./assignment.ts";
export * from "./diffusion-clusters.ts";
export * from "./k-nearest-neighbours.ts";
export * from "./l1-logistic-regression.ts";
export { type LbfgsOptions, lbfgs, type Minimum } from "./lbfgs.ts";
export { type Features, type LinearClassifier, linearScores } from "./linear-classifier.ts";
export {
  type LogisticRegression,
  type LogisticRegressionOptions,
  logisticRegression,
} from "./logistic-regression.ts";
export {
  type ClassMoments,
  classMoments,
  gaussianNaiveBayes,
  mergeClassMoments,
} from "./naive-bayes.ts";
export * from "./negative-binomial.ts";
export * from "./noprop.ts";
export {
  batchPerceptron,
  logisticGradientDescent,
  logisticLoss,
  perceptron,
  type Separator,
  type SeparatorOptions,
} from "./perceptron.ts";
export * from "./poisson.ts";
export {
  estimateLabelFrequency,
  positivePosterior,
  propensityWeightedClassifier,
  type SarEM,
  type SarEMOptions,
  sarEM,
} from "./positive-unlabeled.ts";
export * from "./resampling.ts";
export { type SampleComplexityOptions, sampleComplexity } from "./sample-complexity.ts";
export * from "./set-transformer.ts";
export * from "./shrinkage.ts";
export {
  positiveProbabilities,
  type SoftLogisticRegressionOptions,
  softLogisticRegression,
} from "./soft-logistic-regression.ts";
export { type SymmetricNmf, type SymmetricNmfOptions, symmetricNMF } from "./symmetric-nmf.ts";
