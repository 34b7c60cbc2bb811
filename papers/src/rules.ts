/** Verdict rules for claims that speak of several tasks at once. */
import { randomEffects } from "nearmiss/stats";
import type { Decision, Effect } from "./study.ts";

/**
 * Pools the gains over tasks by a random-effects mean, for each baseline apart. Supports when every
 * pooled 95 % interval lies above zero, contradicts when any lies below.
 */
export function pooled(effects: Effect[]): Decision {
  const intervals = [...Map.groupBy(effects, ({ baseline }) => baseline).values()].map((group) =>
    randomEffects(group),
  );
  if (intervals.some(({ high }) => high < 0)) return "contradicts";
  return intervals.every(({ low }) => low > 0) ? "supports" : "inconclusive";
}
