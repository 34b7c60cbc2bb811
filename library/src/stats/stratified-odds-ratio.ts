import normalQuantile from "@stdlib/stats-base-dists-normal-quantile";
import { checkedLevel, type Interval, type LevelOptions } from "./intervals.ts";

/** Counts of a stratum: [exposed and case, exposed and no case, not exposed and case, not exposed and no case]. */
export type FourfoldTable = readonly [a: number, b: number, c: number, d: number];

/**
 * The odds ratio that tables of several strata share (Mantel and Haenszel 1959), Σ ad/n over Σ bc/n, so that what
 * differs between strata does not pass for an effect. The interval is that of the logarithm after Robins, Breslow and
 * Greenland 1986.
 *
 * @param tables A stratum each; those without counts say nothing.
 * @returns Infinite, or 0, with the interval from 0 to infinity, where a sum is 0; NaN where both are.
 * @throws RangeError for counts below 0
 */
export function stratifiedOddsRatio(
  tables: readonly FourfoldTable[],
  { level }: LevelOptions = {},
): Interval {
  const z = normalQuantile((1 + checkedLevel(level)) / 2, 0, 1);
  let r = 0;
  let s = 0;
  let pr = 0;
  let mixed = 0;
  let qs = 0;
  tables.forEach((table, i) => {
    if (table.length !== 4 || !table.every((count) => count >= 0 && Number.isFinite(count)))
      throw new RangeError(
        `stratifiedOddsRatio: tables[${i}] is [${table.join(", ")}]; expected four counts of at least 0`,
      );
    const [a, b, c, d] = table;
    const n = a + b + c + d;
    if (n === 0) return;
    const p = (a + d) / n;
    const q = (b + c) / n;
    const ad = (a * d) / n;
    const bc = (b * c) / n;
    r += ad;
    s += bc;
    pr += p * ad;
    mixed += p * bc + q * ad;
    qs += q * bc;
  });
  const estimate = r / s;
  if (r === 0 || s === 0) return { estimate, low: 0, high: Number.POSITIVE_INFINITY };
  const deviation = Math.sqrt(pr / (2 * r * r) + mixed / (2 * r * s) + qs / (2 * s * s));
  return {
    estimate,
    low: estimate * Math.exp(-z * deviation),
    high: estimate * Math.exp(z * deviation),
  };
}
