/** Decisions as coloured words. */
import type { Decision } from "@nearmiss/papers/study";
import { styled } from "./output.ts";

const colours = { supports: "green", contradicts: "red", inconclusive: "yellow", mixed: "yellow" } as const;

export const decisionWord = (decision: Decision | "mixed") => styled(colours[decision], decision);

/** What several claims' decisions come to: the one that all share, or "mixed". */
export function summaryWord(decisions: readonly Decision[]): string {
  const different = new Set(decisions);
  if (different.size === 0) return "";
  return decisionWord(different.size === 1 ? decisions[0] : "mixed");
}
