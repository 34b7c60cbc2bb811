import { sameLength } from "./check.ts";
import { f1FromCounts } from "./classification.ts";

export interface SegmentScores {
  /** Of the counts pooled over segments and classes. */
  f1: number;
  /** (substitutions + deletions + insertions) / active reference events; above 1 where there is more wrong than there is. */
  errorRate: number;
  substitutions: number;
  deletions: number;
  insertions: number;
  /** Active class and segment pairs in the reference. */
  reference: number;
}

/**
 * Segment-based scores of polyphonic sound event detection. A class is active in a segment if it is in
 * any of its frames. A segment with FN events missed and FP false ones has min(FN, FP) substitutions,
 * max(0, FN − FP) deletions and max(0, FP − FN) insertions.
 *
 * Source: Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event detection" (2016), section 3.
 *
 * @param predictions [frames, classes] row by row, 1 or 0
 * @param labels likewise
 * @param options.framesPerSegment Default 1: each frame by itself. The last segment may be shorter.
 * @throws RangeError where the reference has no active event
 */
export function segmentScores(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  { classes, framesPerSegment = 1 }: { classes: number; framesPerSegment?: number },
): SegmentScores {
  sameLength("segmentScores", "predictions and labels", predictions, labels);
  if (!(Number.isInteger(classes) && classes >= 1 && labels.length % classes === 0))
    throw new RangeError(`segmentScores: ${labels.length} labels are no rows of ${classes} classes`);
  if (!(Number.isInteger(framesPerSegment) && framesPerSegment >= 1))
    throw new RangeError(
      `segmentScores: framesPerSegment is ${framesPerSegment}; expected a whole number of at least 1`,
    );
  let [truePositives, falsePositives, falseNegatives] = [0, 0, 0];
  let [substitutions, deletions, insertions] = [0, 0, 0];
  const cells = classes * framesPerSegment;
  for (let start = 0; start < labels.length; start += cells) {
    const end = Math.min(start + cells, labels.length);
    let [missed, wrong] = [0, 0];
    for (let column = 0; column < classes; column++) {
      const active = (values: ArrayLike<number>) => {
        for (let at = start + column; at < end; at += classes) if (values[at]) return true;
        return false;
      };
      const [predicted, present] = [active(predictions), active(labels)];
      if (predicted && present) truePositives++;
      else if (predicted) wrong++;
      else if (present) missed++;
    }
    falsePositives += wrong;
    falseNegatives += missed;
    substitutions += Math.min(missed, wrong);
    deletions += Math.max(0, missed - wrong);
    insertions += Math.max(0, wrong - missed);
  }
  const reference = truePositives + falseNegatives;
  if (reference === 0)
    throw new RangeError("segmentScores: labels has no active event; one at least is needed");
  return {
    f1: f1FromCounts({ truePositives, falsePositives, falseNegatives }).f1,
    errorRate: (substitutions + deletions + insertions) / reference,
    substitutions,
    deletions,
    insertions,
    reference,
  };
}
