export * from "./arithmetic-code.ts";
export * from "./elastic.ts";
export * from "./iterative-pruning.ts";
export * from "./lost.ts";
export * from "./masks.ts";
export * from "./quantize.ts";
export * from "./random-subspace.ts";
export * from "./uniform-codebook.ts";
