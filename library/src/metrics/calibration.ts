/**
 * How far probabilities can be taken at their word. Matrices are [n, classes], row by row; labels
 * are class indices [n].
 */
import { columnsOf, sameLength } from "./check.ts";
import { argMax } from "./classification.ts";

/**
 * Mean negative natural logarithm of the label's probability. Probabilities are kept at least at
 * `floor`, so that one zero does not make the mean infinite. Default floor: 2^-52.
 */
export function logLoss(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  options: { floor?: number } = {},
): number {
  const { floor = Number.EPSILON } = options;
  const classes = columnsOf("logLoss", probabilities, labels);
  let sum = 0;
  for (let i = 0; i < labels.length; i++)
    sum -= Math.log(Math.max(probabilities[i * classes + labels[i]], floor));
  return sum / labels.length;
}

/**
 * Brier score (1950): mean over items of the squared distance between the probabilities and the
 * one-hot label, summed over classes; 0 to 2. With two classes it is twice the mean of (p - y)².
 */
export function brier(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  const classes = columnsOf("brier", probabilities, labels);
  let sum = 0;
  for (let i = 0; i < labels.length; i++)
    for (let k = 0; k < classes; k++)
      sum += (probabilities[i * classes + k] - (labels[i] === k ? 1 : 0)) ** 2;
  return sum / labels.length;
}

export interface ReliabilityBin {
  /** Confidences above `low` and up to `high`; the first bin takes 0 as well. */
  low: number;
  high: number;
  count: number;
  /** Mean confidence in the bin; NaN where it is empty. */
  confidence: number;
  /** Share of correct items in the bin; NaN where it is empty. */
  accuracy: number;
}

export interface BinOptions {
  /** Number of bins of equal width. Default 15. */
  bins?: number;
}

/**
 * Confidence against accuracy, bin by bin, of single probabilities (0 to 1) and what came to pass
 * (1 or 0): the positive class of a binary task, or confidences and whether they were right.
 */
export function reliabilityBins(
  confidences: ArrayLike<number>,
  outcomes: ArrayLike<number>,
  options: BinOptions = {},
): ReliabilityBin[] {
  const { bins = 15 } = options;
  sameLength("reliability", "confidences and outcomes", confidences, outcomes);
  if (!(Number.isSafeInteger(bins) && bins >= 1))
    throw new RangeError(`reliability: bins ${bins} must be an integer of at least 1`);
  const counts = new Int32Array(bins);
  const confidenceSums = new Float64Array(bins);
  const outcomeSums = new Float64Array(bins);
  for (let i = 0; i < confidences.length; i++) {
    const confidence = confidences[i];
    // Single precision may overshoot 1 by a rounding error.
    if (!(confidence >= 0 && confidence <= 1 + 1e-5))
      throw new RangeError(`reliability: confidence ${i} is ${confidence}, outside 0 to 1`);
    let bin = Math.min(Math.floor(confidence * bins), bins - 1);
    // An edge belongs to the bin below it. Compare with the edge itself: the product may round.
    if (bin > 0 && confidence <= bin / bins) bin--;
    counts[bin]++;
    confidenceSums[bin] += confidence;
    outcomeSums[bin] += outcomes[i];
  }
  return Array.from(counts, (count, bin) => ({
    low: bin / bins,
    high: (bin + 1) / bins,
    count,
    confidence: confidenceSums[bin] / count,
    accuracy: outcomeSums[bin] / count,
  }));
}

/** Reliability diagram of a classifier: confidence of the arg max against its accuracy. */
export function reliabilityDiagram(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  options: BinOptions = {},
): ReliabilityBin[] {
  const classes = columnsOf("reliabilityDiagram", probabilities, labels);
  const predicted = argMax(probabilities, classes);
  const confidences = Float64Array.from(predicted, (k, i) => probabilities[i * classes + k]);
  const correct = Int32Array.from(predicted, (k, i) => (k === labels[i] ? 1 : 0));
  return reliabilityBins(confidences, correct, options);
}

/**
 * Expected calibration error of the arg max: Σ (bin's share of items) · |accuracy - confidence|, bins of
 * equal width closed on the right. Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3.
 */
export function ece(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  options: BinOptions = {},
): number {
  let sum = 0;
  for (const bin of reliabilityDiagram(probabilities, labels, options))
    if (bin.count > 0) sum += bin.count * Math.abs(bin.accuracy - bin.confidence);
  return sum / labels.length;
}
