/** How good a retriever is on judged queries, and whether it is better than another one. */
import { type JudgedRanking, ndcg, recallAtK, reciprocalRank } from "../metrics/index.ts";
import type { Random } from "../random.ts";
import { bootstrapInterval, type Interval, mean } from "../stats/index.ts";

/** Measures of one query; see `metrics/ranking.ts`. */
export const retrievalMeasures = {
  "nDCG@10": (ranking: JudgedRanking) => ndcg(ranking, { k: 10 }),
  "recall@100": (ranking: JudgedRanking) => recallAtK(ranking, 100),
  "MRR@10": (ranking: JudgedRanking) => reciprocalRank(ranking, 10),
} as const;

export type RetrievalMeasure = keyof typeof retrievalMeasures;

/** Each measure of each query. */
export type QueryScores = Record<RetrievalMeasure, Float64Array>;

/**
 * @param rankings for each query its documents, best first
 * @param judgements for each query the grades of its judged documents
 */
export function evaluateRankings(
  rankings: readonly ArrayLike<number>[],
  judgements: readonly ReadonlyMap<number, number>[],
): QueryScores {
  if (rankings.length !== judgements.length)
    throw new RangeError(
      `evaluateRankings: ${rankings.length} rankings for ${judgements.length} judged queries; expected as many`,
    );
  const judged = rankings.map((documents, i): JudgedRanking => ({ documents, grades: judgements[i]! }));
  return Object.fromEntries(
    Object.entries(retrievalMeasures).map(([name, measure]) => [name, Float64Array.from(judged, measure)]),
  ) as QueryScores;
}

/** The mean over queries with its 95 % bootstrap interval. */
export function meanOverQueries(scores: Float64Array, random: Random): Interval {
  return resampled(scores, random);
}

/** The mean of a minus b over the same queries with its 95 % bootstrap interval, and how many queries gained and lost. */
export function compareQueries(
  a: Float64Array,
  b: Float64Array,
  random: Random,
): Interval & { better: number; worse: number } {
  if (a.length !== b.length)
    throw new RangeError(`compareQueries: ${a.length} queries against ${b.length}; expected the same ones`);
  const differences = a.map((score, i) => score - b[i]!);
  return {
    ...resampled(differences, random),
    better: differences.filter((d) => d > 0).length,
    worse: differences.filter((d) => d < 0).length,
  };
}

const resampled = (values: Float64Array, random: Random): Interval =>
  bootstrapInterval(values.length, (units) => mean(Float64Array.from(units, (i) => values[i]!)), {
    random,
    method: "percentile",
  });
