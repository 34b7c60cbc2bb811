/** Several rankings of the same documents made one. */

/** A document with its score, as searches return it. */
export interface Hit {
  document: number;
  score: number;
}

export interface ReciprocalRankOptions {
  /** Added to each rank: the larger, the less the first places count. Default 60. */
  constant?: number;
  /** A factor for each ranking. Default 1 for all. */
  weights?: readonly number[];
}

/**
 * Reciprocal rank fusion: score(d) = Σ_rankings weight / (constant + rank of d), ranks from 1.
 *
 * Source: Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion Outperforms Condorcet and Individual
 * Rank Learning Methods".
 *
 * @param rankings documents, best first
 * @returns All documents that stand in one of them, best first; ties in the order of documents.
 */
export function reciprocalRankFusion(
  rankings: readonly ArrayLike<number>[],
  { constant = 60, weights }: ReciprocalRankOptions = {},
): Hit[] {
  const scores = new Map<number, number>();
  rankings.forEach((ranking, which) => {
    const weight = weights?.[which] ?? 1;
    for (let rank = 0; rank < ranking.length; rank++) {
      const document = ranking[rank]!;
      scores.set(document, (scores.get(document) ?? 0) + weight / (constant + rank + 1));
    }
  });
  return sorted(scores);
}

/**
 * A weighted sum of scores, each list's brought to mean 0 and standard deviation 1 first, so that scores
 * of any kind can be added. A document that a list lacks has that list's lowest score there.
 *
 * @param lists of one query, each from one retriever
 * @param weights one for each list
 * @returns All documents that stand in one of the lists, best first; ties in the order of documents.
 */
export function scoreFusion(lists: readonly (readonly Hit[])[], weights: readonly number[]): Hit[] {
  if (lists.length !== weights.length)
    throw new RangeError(
      `scoreFusion: ${weights.length} weights for ${lists.length} lists; expected one each`,
    );
  const scaled = lists.map(standardized);
  const documents = new Set(scaled.flatMap(({ scores }) => [...scores.keys()]));
  const fused = new Map<number, number>();
  for (const document of documents) {
    let sum = 0;
    scaled.forEach(({ scores, lowest }, which) => {
      sum += weights[which]! * (scores.get(document) ?? lowest);
    });
    fused.set(document, sum);
  }
  return sorted(fused);
}

function standardized(hits: readonly Hit[]): { scores: Map<number, number>; lowest: number } {
  const mean = hits.reduce((sum, { score }) => sum + score, 0) / (hits.length || 1);
  const variance = hits.reduce((sum, { score }) => sum + (score - mean) ** 2, 0) / (hits.length || 1);
  const deviation = Math.sqrt(variance) || 1;
  const scores = new Map(hits.map(({ document, score }) => [document, (score - mean) / deviation]));
  return { scores, lowest: Math.min(0, ...scores.values()) };
}

const sorted = (scores: Map<number, number>): Hit[] =>
  [...scores]
    .map(([document, score]) => ({ document, score }))
    .sort((a, b) => b.score - a.score || a.document - b.document);
