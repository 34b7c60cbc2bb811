/**
 * Quality of rankings, as trec_eval defines it: a grade above 0 is relevant, a document without
 * judgement is not, and a query without any relevant document scores 0. Functions named for a mean
 * average over queries; the others take one query.
 */
import { sortedIndices } from "./ranks.ts";

/** One query's ranking and what is known of its documents. */
export interface JudgedRanking {
  /** Documents, best first; none twice. */
  documents: ArrayLike<number>;
  /** Grade of each judged document: 0 not relevant, 1, 2, … relevant. */
  grades: ReadonlyMap<number, number>;
}

/** Document indices in falling order of score; equal scores keep their order. */
export function rankByScore(scores: ArrayLike<number>): Int32Array {
  return sortedIndices(Float64Array.from(scores, (score) => -score));
}

/** 1 / rank of the first relevant document within the first `k`, else 0. */
export function reciprocalRank(ranking: JudgedRanking, k?: number): number {
  const first = topGrades(ranking, k).findIndex((grade) => grade > 0);
  return first < 0 ? 0 : 1 / (first + 1);
}

/** Mean reciprocal rank. */
export function mrr(rankings: readonly JudgedRanking[], k?: number): number {
  return meanOver(rankings, (ranking) => reciprocalRank(ranking, k));
}

/** Share of the query's relevant documents among the first `k`. */
export function recallAtK(ranking: JudgedRanking, k: number): number {
  const relevant = relevantCount(ranking);
  return relevant === 0 ? 0 : topGrades(ranking, k).filter((grade) => grade > 0).length / relevant;
}

/** Share of relevant documents among the first `k`; a shorter ranking still counts as `k`. */
export function precisionAtK(ranking: JudgedRanking, k: number): number {
  return topGrades(ranking, k).filter((grade) => grade > 0).length / k;
}

/** Sum of the precisions at each relevant document within the first `k`, by the number of relevant documents. */
export function averagePrecisionOf(ranking: JudgedRanking, k?: number): number {
  let found = 0;
  let sum = 0;
  topGrades(ranking, k).forEach((grade, i) => {
    if (grade > 0) sum += ++found / (i + 1);
  });
  const relevant = relevantCount(ranking);
  return relevant === 0 ? 0 : sum / relevant;
}

/** Mean average precision (MAP; with `k`, trec_eval's map_cut). */
export function meanAveragePrecision(rankings: readonly JudgedRanking[], k?: number): number {
  return meanOver(rankings, (ranking) => averagePrecisionOf(ranking, k));
}

export interface NdcgOptions {
  /** Only the first k documents count. Default: all. */
  k?: number;
  /** Gain of a grade g: g itself, as in trec_eval, or 2^g - 1. Default "linear". */
  gain?: "linear" | "exponential";
}

/**
 * Normalised discounted cumulative gain: Σ gain / log2(rank + 1), by the same sum for the best
 * possible order of all judged documents. Source: Järvelin and Kekäläinen 2002.
 */
export function ndcg(ranking: JudgedRanking, options: NdcgOptions = {}): number {
  const { k, gain = "linear" } = options;
  const gainOf = (grade: number) => (grade <= 0 ? 0 : gain === "linear" ? grade : 2 ** grade - 1);
  const sum = (grades: number[]) => grades.reduce((total, g, i) => total + gainOf(g) / Math.log2(i + 2), 0);
  const ideal = sum([...ranking.grades.values()].sort((a, b) => b - a).slice(0, k));
  return ideal === 0 ? 0 : sum(topGrades(ranking, k)) / ideal;
}

/** Mean of a one-query measure: `meanOver(rankings, (ranking) => ndcg(ranking, { k: 10 }))`. */
export function meanOver(
  rankings: readonly JudgedRanking[],
  measure: (ranking: JudgedRanking) => number,
): number {
  if (rankings.length === 0) throw new RangeError("meanOver: there is no ranking to average over");
  return rankings.reduce((sum, ranking) => sum + measure(ranking), 0) / rankings.length;
}

/**
 * Rank, from 1, of the one relevant document of each query. Documents with an equal score share the
 * mean of their ranks, so that equal scores for all are no success.
 *
 * @param scores [queries, documents] row by row
 * @param relevant index of each query's relevant document, [queries]
 * @returns [queries]
 */
export function relevantRanks(scores: ArrayLike<number>, relevant: ArrayLike<number>): Float64Array {
  const documents = scores.length / relevant.length;
  if (!Number.isInteger(documents))
    throw new RangeError(`relevantRanks: ${scores.length} scores are no matrix with ${relevant.length} rows`);
  return Float64Array.from(relevant, (target, query) => {
    if (!(Number.isInteger(target) && target >= 0 && target < documents))
      throw new RangeError(`relevantRanks: entry ${query} is ${target}, outside the ${documents} documents`);
    const score = scores[query * documents + target];
    if (Number.isNaN(score))
      throw new RangeError(`relevantRanks: the relevant score of query ${query} is NaN`);
    let above = 0;
    let equal = 0;
    for (let at = query * documents; at < (query + 1) * documents; at++) {
      if (scores[at] > score) above++;
      else if (scores[at] === score) equal++;
    }
    return above + (equal + 1) / 2;
  });
}

/** Mean of 1 / rank, for ranks of `relevantRanks`. */
export function mrrOfRanks(ranks: ArrayLike<number>): number {
  return Array.from(ranks).reduce((sum, rank) => sum + 1 / rank, 0) / ranks.length;
}

/** Share of ranks that are at most `k`: recall at k where each query has one relevant document. */
export function hitsAtK(ranks: ArrayLike<number>, k: number): number {
  return Array.from(ranks).filter((rank) => rank <= k).length / ranks.length;
}

function topGrades({ documents, grades }: JudgedRanking, k = documents.length): number[] {
  if (!(k >= 0)) throw new RangeError(`ranking: k ${k} must be at least 0`);
  return Array.from({ length: Math.min(k, documents.length) }, (_, i) => grades.get(documents[i]) ?? 0);
}

function relevantCount({ grades }: JudgedRanking): number {
  let count = 0;
  for (const grade of grades.values()) if (grade > 0) count++;
  return count;
}
