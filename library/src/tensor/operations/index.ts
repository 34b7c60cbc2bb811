export * from "./convolution.ts";
export * from "./convolution-3d.ts";
export * from "./dropout.ts";
export * from "./elementwise.ts";
export { digamma, lgamma, trigamma } from "./gamma.ts";
export * from "./gather.ts";
export * from "./inverse-cholesky.ts";
export * from "./inverse-sqrt.ts";
export { einsum, matmul, outer } from "./matmul.ts";
export * from "./normalize.ts";
export * from "./polar.ts";
export * from "./pool.ts";
export {
  all,
  any,
  argMax,
  argMin,
  type CumSumOptions,
  cumSum,
  logSumExp,
  max,
  mean,
  min,
  norm,
  prod,
  type ReduceOptions,
  sum,
  variance,
} from "./reduce.ts";
export {
  broadcastTo,
  concat,
  expandDims,
  flip,
  identityMatrix,
  ones,
  pad,
  type Range,
  range,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  tile,
  transpose,
  zeros,
} from "./shape.ts";
export * from "./softmax.ts";
export * from "./sort.ts";
export { stopGradient } from "./stop.ts";
