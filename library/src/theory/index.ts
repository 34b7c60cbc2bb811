/** Quantities that theorems speak of: bounds, rates, hard instances and what learns them. */

export * from "./black-box-losses.ts";
export * from "./compression-bound.ts";
export * from "./distribution-shift.ts";
export * from "./expected-max.ts";
export * from "./exponential-families.ts";
export * from "./hypothesis-weight.ts";
export * from "./inductive-bias.ts";
export * from "./isotonic.ts";
export * from "./knowledge-transfer.ts";
export * from "./linear-mdp.ts";
export * from "./markov-learning.ts";
export * from "./matching-thresholds.ts";
export * from "./mle-risk.ts";
export { type MutualInformationOptions, mutualInformation } from "./mutual-information.ts";
export * from "./noncentral-chi-squared.ts";
export * from "./online-learning.ts";
export * from "./pac-bayes.ts";
export * from "./polynomial-halfspaces.ts";
export * from "./predictive-geometry.ts";
export * from "./pretraining.ts";
export * from "./signed-dense.ts";
export * from "./single-neuron.ts";
export * from "./sum-log-concave.ts";
export * from "./supersample.ts";
export * from "./triplet-separation.ts";
