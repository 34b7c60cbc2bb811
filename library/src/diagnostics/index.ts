export { type Alarm, type AlarmOptions, type Alarms, alarms, type Observation } from "./alarms.ts";
export { type SquareAttackOptions, squareAttack } from "./attacks.ts";
export { compSumBound, compSumTransform } from "./bounds.ts";
export * from "./broken-power-law.ts";
export * from "./concept-unit.ts";
export { alignment, effectiveRank, uniformity } from "./embeddings.ts";
export {
  type ActivityOptions,
  activationSparsity,
  classConsistency,
  columnCorrelation,
  topDimensions,
} from "./features.ts";
export { forgettingRate } from "./forgetting.ts";
export * from "./hessian.ts";
export { inputGradientNorms } from "./input-gradient-norms.ts";
export { integratedGradients } from "./integrated-gradients.ts";
export * from "./landscape.ts";
export * from "./learning-rate-sensitivity.ts";
export { type LogMEOptions, logME } from "./logme.ts";
export { peakMemory } from "./memory.ts";
export { multiplyAdds } from "./multiply-adds.ts";
export { deadUnits, gradientNorm } from "./network.ts";
export { type NeuralCollapse, neuralCollapse } from "./neural-collapse.ts";
export * from "./power-iteration.ts";
export * from "./random-forest.ts";
export { listOverlap, pairErrors, pairGradientNorms } from "./retrieval.ts";
export * from "./scaling.ts";
export { silhouette } from "./silhouette.ts";
export { reversalRate, type SimpsonsBias, simpsonsBias } from "./simpsons-bias.ts";
export * from "./spectral-alignment.ts";
export * from "./spikes.ts";
export * from "./zero-sum.ts";
