import { sameLength } from "./check.ts";
import { f1FromCounts } from "./classification.ts";

/**
 * Precision, recall and F1 of all classes but one, their counts summed: how relation extraction is scored. That the
 * other class ("no relation") is rightly predicted counts for nothing.
 *
 * Source: Zhang et al., "Position-aware Attention and Supervised Data Improve Slot Filling" (2017), section 4.
 *
 * @param negative The class that does not count. Default: 0.
 */
export function relationF1(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  negative = 0,
): { precision: number; recall: number; f1: number } {
  sameLength("relationF1", "predictions and labels", predictions, labels);
  const counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
  for (let i = 0; i < labels.length; i++) {
    if (predictions[i] === labels[i]) {
      if (labels[i] !== negative) counts.truePositives++;
      continue;
    }
    // One relation taken for another is both: one too many and one missed.
    if (predictions[i] !== negative) counts.falsePositives++;
    if (labels[i] !== negative) counts.falseNegatives++;
  }
  return f1FromCounts(counts);
}
