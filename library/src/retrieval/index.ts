export * from "./bm25.ts";
export * from "./dense-index.ts";
export * from "./evaluate.ts";
export * from "./fusion.ts";
export * from "./spectral.ts";
export * from "./static-encoder.ts";
export * from "./train-static.ts";
export * from "./vectors.ts";
