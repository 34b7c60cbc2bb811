/** Effects in words: what was compared, and how large the difference is. */
import type { Effect } from "@nearmiss/papers/study";
import { short } from "./output.ts";

/** What an effect compares. */
export const effectName = ({ metric, method, baseline }: Effect) =>
  `${metric}, ${method} against ${baseline}`;

/** The difference as measured, and the interval of the gain turned back into the metric's own direction. */
export function interval({ difference, low, high, seeds, better }: Effect): string {
  const sign = better === "higher" ? 1 : -1;
  // Through JSON, infinite ends are null.
  if (seeds < 2 || low === null || high === null) return `${signed(difference)} (no interval with one seed)`;
  const [from, to] = [sign * low, sign * high].sort((a, b) => a - b);
  const meaning = low > 0 ? "for the method" : high < 0 ? "against the method" : "could be either way";
  return `${signed(difference)} [${signed(from)}, ${signed(to)}], ${meaning}`;
}

const signed = (value: number) => (value > 0 ? `+${short(value)}` : short(value));
