export * from "./approximate.ts";
export * from "./bi-encoder.ts";
export * from "./bm25.ts";
export * from "./concatenate.ts";
export * from "./cross-encoder.ts";
export * from "./dense-index.ts";
export * from "./distributional.ts";
export * from "./embedders.ts";
export * from "./evaluate.ts";
export * from "./fusion.ts";
export * from "./principal-components.ts";
export * from "./rocchio.ts";
export * from "./save.ts";
export * from "./save-transformer.ts";
export * from "./sparse.ts";
export * from "./spectral.ts";
export * from "./static-encoder.ts";
export {
  type CrossEncoder,
  type CrossEncoderParams,
  type CrossScorer,
  crossEncoderScorer,
  crossEncoderTokens,
  type FitCrossEncoderOptions,
  fitCrossEncoder,
  type RankedList,
  scoreTokens,
  type TrainCrossEncoderOptions,
  trainCrossEncoder,
} from "./text-cross-encoder.ts";
export {
  textPieces,
  tokenizerJson,
  trainTextPieces,
} from "./text-pieces.ts";
export type { TextTransformer, TextTransformerShape } from "./text-transformer.ts";
export { meanOfTokens } from "./text-transformer.ts";
export * from "./train-bi-encoder.ts";
export * from "./train-static.ts";
export * from "./vectors.ts";
