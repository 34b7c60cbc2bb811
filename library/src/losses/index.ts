export * from "./classification.ts";
export * from "./comp-sum.ts";
export * from "./contrastive.ts";
export * from "./ranking.ts";
export type { LossOptions, Reduction } from "./reduction.ts";
export * from "./regression.ts";
