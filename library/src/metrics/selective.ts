/**
 * Selective prediction: outputs are accepted from the highest score down. Scores [n], a higher one
 * speaking for the output, and correct [n], 1 or 0. Equal scores are accepted together or not at all.
 */
import { sameLength } from "./check.ts";
import { thresholdCounts } from "./roc.ts";

export interface RiskCoverageCurve {
  /** Share of the outputs that are accepted, rising to 1. */
  coverage: Float64Array;
  /** Share of the accepted ones that are wrong. */
  risk: Float64Array;
  /** Falling: each distinct score. Outputs with at least this score are accepted. */
  thresholds: Float64Array;
}

/** One point for each distinct score, highest first. Source: El-Yaniv and Wiener (2010). */
export function riskCoverage(scores: ArrayLike<number>, correct: ArrayLike<number>): RiskCoverageCurve {
  requireOutcomes("riskCoverage", scores, correct);
  const points = thresholdCounts(scores, correct);
  const accepted = points.map((point) => point.truePositives + point.falsePositives);
  return {
    coverage: Float64Array.from(accepted, (count) => count / scores.length),
    risk: Float64Array.from(points, (point, i) => point.falsePositives / accepted[i]),
    thresholds: Float64Array.from(points, (point) => point.threshold),
  };
}

/**
 * Area under the risk-coverage curve: the mean, over the outputs, of the risk at which each comes in.
 * Lower is better; a random order gives the error rate. Source: Geifman, Uziel and El-Yaniv (2019).
 */
export function aurc(scores: ArrayLike<number>, correct: ArrayLike<number>): number {
  const { coverage, risk } = riskCoverage(scores, correct);
  let area = 0;
  for (let i = 0; i < risk.length; i++) area += risk[i] * (coverage[i] - (i > 0 ? coverage[i - 1] : 0));
  return area;
}

/**
 * The largest share of the outputs that some threshold accepts with at least this precision; 0 where
 * none does. On the outputs it was found on, the threshold is optimistic.
 */
export function coverageAtPrecision(
  scores: ArrayLike<number>,
  correct: ArrayLike<number>,
  precision: number,
): number {
  if (!(precision >= 0 && precision <= 1))
    throw new RangeError(`coverageAtPrecision: precision is ${precision}; expected 0 to 1`);
  const { coverage, risk } = riskCoverage(scores, correct);
  // A share such as 1 − 0.05 is rounded where 19 of 20 is not.
  const last = risk.findLastIndex((value) => value <= 1 - precision + 1e-12);
  return last < 0 ? 0 : coverage[last];
}

function requireOutcomes(metric: string, scores: ArrayLike<number>, correct: ArrayLike<number>): void {
  sameLength(metric, "scores and correct", scores, correct);
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) throw new RangeError(`${metric}: score ${i} is NaN`);
    if (correct[i] !== 0 && correct[i] !== 1)
      throw new RangeError(`${metric}: correct[${i}] is ${correct[i]}; expected 1 or 0`);
  }
}
