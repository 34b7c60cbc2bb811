/** Which objective to use, said only where the data say it. */
import { holm } from "nearmiss/stats";
import type { Difference } from "./statistics.ts";

export interface Candidate {
  name: string;
  /** Against the baseline, in the metric's own direction, and p. */
  difference: Difference;
}

export interface Judged extends Candidate {
  /** p corrected for all the comparisons that were made (Holm 1979). */
  adjusted: number;
}

/** Corrects the candidates' p-values together. */
export function judge(candidates: readonly Candidate[]): Judged[] {
  const adjusted = holm(candidates.map(({ difference }) => difference.p));
  return candidates.map((candidate, i) => ({ ...candidate, adjusted: adjusted[i] }));
}

/** The largest gain among those that chance alone would hardly give; undefined where there is none. */
export function recommended(
  judged: readonly Judged[],
  better: "higher" | "lower",
  level = 0.05,
): Judged | undefined {
  const gain = ({ difference }: Judged) => (better === "higher" ? difference.estimate : -difference.estimate);
  return judged
    .filter((candidate) => candidate.adjusted < level && gain(candidate) > 0)
    .toSorted((a, b) => gain(b) - gain(a))[0];
}
