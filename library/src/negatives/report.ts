/** What mining has found: distributions of scores, what each rule dropped, and who went short. */
import { mean, quantile, standardDeviation } from "../stats/index.ts";
import type { Mined } from "./mine.ts";
import { type Dropped, noneDropped } from "./select.ts";

export interface Distribution {
  count: number;
  mean: number;
  deviation: number;
  /** Least, quartiles, largest. */
  quantiles: [number, number, number, number, number];
}

export interface MiningReport {
  queries: number;
  candidates: number;
  kept: number;
  /** These and `kept` add up to `candidates`. */
  dropped: Dropped;
  /** Queries with fewer negatives than asked for, and the number of negatives that they lack together. */
  short: { queries: number; negatives: number };
  /** Scores of the positives, of the negatives, and of each positive minus each of its negatives. Undefined: none. */
  positives?: Distribution;
  negatives?: Distribution;
  differences?: Distribution;
  /** For a chart: how many positives and negatives have a score from `edges[i]` up to `edges[i + 1]`. */
  histogram: { edges: number[]; positives: number[]; negatives: number[] };
}

/** @param bins bars of the histogram. Default 20. */
export function miningReport(mined: readonly Mined[], { bins = 20 }: { bins?: number } = {}): MiningReport {
  const dropped = noneDropped();
  for (const found of mined)
    for (const reason of Object.keys(dropped) as (keyof Dropped)[]) dropped[reason] += found.dropped[reason];
  const positives = mined.flatMap(({ positiveScores }) => positiveScores);
  const negatives = mined.flatMap(({ scores }) => scores);
  const differences = mined.flatMap(({ positiveScores, scores }) =>
    positiveScores.flatMap((positive) => scores.map((negative) => positive - negative)),
  );
  const short = mined.filter(({ shortfall }) => shortfall > 0);
  return {
    queries: mined.length,
    candidates: mined.reduce((sum, { candidates }) => sum + candidates, 0),
    kept: negatives.length,
    dropped,
    short: { queries: short.length, negatives: short.reduce((sum, { shortfall }) => sum + shortfall, 0) },
    positives: distribution(positives),
    negatives: distribution(negatives),
    differences: distribution(differences),
    histogram: histogram(positives, negatives, bins),
  };
}

function distribution(scores: number[]): Distribution | undefined {
  if (scores.length === 0) return undefined;
  const [a, b, c, d, e] = [0, 0.25, 0.5, 0.75, 1].map((level) => quantile(scores, level));
  return {
    count: scores.length,
    mean: mean(scores),
    deviation: scores.length > 1 ? standardDeviation(scores) : 0,
    quantiles: [a!, b!, c!, d!, e!],
  };
}

function histogram(positives: number[], negatives: number[], bins: number): MiningReport["histogram"] {
  const all = [...positives, ...negatives];
  if (all.length === 0) return { edges: [], positives: [], negatives: [] };
  const low = all.reduce((a, b) => Math.min(a, b));
  const width = (all.reduce((a, b) => Math.max(a, b)) - low) / bins || 1;
  const counts = (scores: number[]) => {
    const bars = new Array<number>(bins).fill(0);
    for (const score of scores) bars[Math.min(bins - 1, Math.floor((score - low) / width))]!++;
    return bars;
  };
  return {
    edges: Array.from({ length: bins + 1 }, (_, i) => low + i * width),
    positives: counts(positives),
    negatives: counts(negatives),
  };
}
