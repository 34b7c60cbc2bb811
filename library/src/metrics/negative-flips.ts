/** What an update changes: predictions of an old and a new model against labels, [n] each. */
import { sameLength } from "./check.ts";

type Classes = ArrayLike<number>;

/** Share of the examples that the old model had right and the new one has wrong. Source: Yan et al. (2021). */
export function negativeFlipRate(old: Classes, updated: Classes, labels: Classes): number {
  return shareWhere(
    "negativeFlipRate",
    old,
    updated,
    labels,
    (before, after, label) => before === label && after !== label,
  );
}

/** Share of the examples that the old model had wrong and the new one has right; less the negative flips it is the gain in accuracy. */
export function positiveFlipRate(old: Classes, updated: Classes, labels: Classes): number {
  return shareWhere(
    "positiveFlipRate",
    old,
    updated,
    labels,
    (before, after, label) => before !== label && after === label,
  );
}

function shareWhere(
  metric: string,
  old: Classes,
  updated: Classes,
  labels: Classes,
  counts: (before: number, after: number, label: number) => boolean,
): number {
  sameLength(metric, "old predictions and labels", old, labels);
  sameLength(metric, "new predictions and labels", updated, labels);
  let flips = 0;
  for (let i = 0; i < labels.length; i++) if (counts(old[i], updated[i], labels[i])) flips++;
  return flips / labels.length;
}
