export * from "./classification.ts";
export * from "./comp-sum.ts";
export * from "./contrastive.ts";
export * from "./encouraging.ts";
export * from "./focal.ts";
export * from "./log-one-minus-softmax.ts";
export * from "./ranking.ts";
export type { LossOptions, Reduction } from "./reduction.ts";
export * from "./regression.ts";
