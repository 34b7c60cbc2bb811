import type { Study } from "@nearmiss/papers/study";
import type { StudySummary } from "../types.ts";

/** A study without its code, as plain JSON. */
export function summarize(study: Study): StudySummary {
  const { arms, metrics, curves, distance, scales, claims } = study;
  return JSON.parse(
    JSON.stringify({
      arms,
      metrics,
      curves,
      distance,
      scales,
      claims: claims.map(({ id, statement, comparisons, rule }) => ({ id, statement, comparisons, rule })),
    }),
  );
}
