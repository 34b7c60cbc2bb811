export {
  type Bleu,
  type BleuOptions,
  bleu,
  tokenize13a,
} from "./bleu.ts";
export {
  type BinOptions,
  brier,
  ece,
  logLoss,
  type ReliabilityBin,
  reliabilityBins,
  reliabilityDiagram,
} from "./calibration.ts";
export {
  accuracy,
  argMax,
  type BinaryCounts,
  balancedAccuracy,
  confusionMatrix,
  f1FromCounts,
  fBetaFromCounts,
  macroF1,
  macroFBeta,
  microFBeta,
  multilabelCounts,
} from "./classification.ts";
export { averageForgetting, averageIncrementalAccuracy } from "./continual.ts";
export { pearson, spearman } from "./correlation.ts";
export * from "./detection.ts";
export * from "./detection-cost.ts";
export * from "./distinct.ts";
export { editDistance, errorRate } from "./edit-distance.ts";
export { entityF1, type NamedEntity } from "./entities.ts";
export { falseHeadRate } from "./false-head-rate.ts";
export { filteredRank } from "./filtered-ranking.ts";
export * from "./frechet-distance.ts";
export {
  type ConfusionCounts,
  type ConfusionMetric,
  type ConfusionMetricOptions,
  confusionCounts,
  confusionMetrics,
  fromConfusion,
} from "./from-confusion.ts";
export { type GroupScores, groupScores } from "./group-scores.ts";
export * from "./importance.ts";
export { type MetricIntervalOptions, metricInterval } from "./interval.ts";
export * from "./joint-error.ts";
export { logitMargins, negativeEnergies } from "./logits.ts";
export * from "./maximum-mean-discrepancy.ts";
export { atThresholds, bestThresholds, macroAveragePrecision } from "./multilabel.ts";
export { negativeFlipRate, positiveFlipRate } from "./negative-flips.ts";
export {
  type EmbeddedItems,
  type NeighbourOptions,
  nearestNeighbourAccuracy,
  nearestNeighbours,
} from "./neighbours.ts";
export { overlapCoefficient } from "./overlap-coefficient.ts";
export { passAtK } from "./pass-at-k.ts";
export { bitsPerByte, type PerplexityOptions, perplexity } from "./perplexity.ts";
export * from "./poisson-multi-bernoulli.ts";
export {
  averagePrecision,
  bestThresholdF1,
  type PrecisionRecallCurve,
  prAuc,
  precisionRecallCurve,
} from "./precision-recall.ts";
export { inversePropensities, type PropensityOptions, propensityPrecisionAtK } from "./propensity.ts";
export { psnr } from "./psnr.ts";
export {
  averagePrecisionOf,
  hitsAtK,
  type JudgedRanking,
  meanAveragePrecision,
  meanOver,
  mrr,
  mrrOfRanks,
  type NdcgOptions,
  ndcg,
  precisionAtK,
  rankByScore,
  recallAtK,
  reciprocalRank,
  relevantRanks,
} from "./ranking.ts";
export { ranks, sortedIndices } from "./ranks.ts";
export { relationF1 } from "./relations.ts";
export { relativeGain } from "./relative-gain.ts";
export {
  equalErrorRate,
  fprAtTpr,
  partialAuc,
  type RocCurve,
  rocAuc,
  rocCurve,
  standardizedPartialAuc,
  tprAtFpr,
} from "./roc.ts";
export * from "./sample-precision-recall.ts";
export * from "./score-changes.ts";
export { aurc, coverageAtPrecision, type RiskCoverageCurve, riskCoverage } from "./selective.ts";
export * from "./sliced-wasserstein.ts";
export { type SegmentScores, segmentScores } from "./sound-events.ts";
export {
  concordanceIndex,
  type IpcwOptions,
  ipcwConcordance,
  kaplanMeier,
  logRank,
  type SurvivalCurve,
  survivalAt,
} from "./survival.ts";
export { membershipInference, type UnlearningOutcome, unlearningGap } from "./unlearning.ts";
export * from "./wasserstein.ts";
export { weightedTau } from "./weighted-tau.ts";
