export * from "./iterative-pruning.ts";
export * from "./masks.ts";
