export { type BootstrapOptions, bootstrapInterval } from "./bootstrap.ts";
export { classGaussians } from "./class-gaussians.ts";
export { benjaminiHochberg, holm } from "./corrections.ts";
export { type Equivalence, type EquivalenceOptions, equivalenceTest } from "./equivalence.ts";
export { expectedMaximum } from "./expected-maximum.ts";
export { gaussHermite, hermitePolynomials, type Quadrature } from "./hermite.ts";
export {
  type Interval,
  type LevelOptions,
  meanInterval,
  pairedInterval,
  proportionInterval,
} from "./intervals.ts";
export { kolmogorovSmirnov } from "./kolmogorov-smirnov.ts";
export { leveneTest } from "./levene.ts";
export { logSum } from "./log-sum.ts";
export {
  differences,
  mean,
  median,
  quantile,
  standardDeviation,
  standardError,
  variance,
} from "./moments.ts";
export { type Normal, normalJS, normalKL } from "./normal-divergence.ts";
export * from "./optimal-segmentation.ts";
export { type Pooled, type PoolingOptions, randomEffects } from "./pooling.ts";
export { type PowerOptions, power, seedsNeeded } from "./power.ts";
export {
  type PermutationOptions,
  type PermutationResult,
  pairedPermutationTest,
  permutationTest,
  signTest,
} from "./significance.ts";
export * from "./stratified-odds-ratio.ts";
