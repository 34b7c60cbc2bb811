export * from "./convolution.ts";
export * from "./dense.ts";
export * from "./embedding.ts";
export * from "./initializers.ts";
export type { Layer } from "./layer.ts";
