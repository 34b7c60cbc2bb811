export * from "./bm25.ts";
export * from "./dense-index.ts";
export * from "./evaluate.ts";
export * from "./fusion.ts";
export * from "./vectors.ts";
