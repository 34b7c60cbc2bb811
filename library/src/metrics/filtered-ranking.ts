/** Ranks of link prediction: other true answers do not count against the one that is asked for. */

/**
 * Rank, from 1, of a target among all candidates but the other known answers. Candidates with an equal score
 * share the mean of their ranks: a constant scorer gets the middle rank, not the first.
 *
 * Source: Bordes et al., "Translating embeddings for modeling multi-relational data" (2013); on ties
 * Sun et al., "A re-evaluation of knowledge graph completion methods" (2020).
 *
 * @param scores Higher is better, [candidates].
 * @param target The answer that is ranked.
 * @param known All true answers; whether the target is among them does not matter.
 */
export function filteredRank(
  scores: ArrayLike<number>,
  target: number,
  known: Iterable<number> = [],
): number {
  if (!(Number.isInteger(target) && target >= 0 && target < scores.length))
    throw new RangeError(`filteredRank: target is ${target}; expected 0 to ${scores.length - 1}`);
  const score = scores[target]!;
  if (Number.isNaN(score)) throw new RangeError("filteredRank: the target's score is NaN");
  const left = new Set(known);
  left.delete(target);
  let above = 0;
  let equal = 0;
  for (let i = 0; i < scores.length; i++)
    if (scores[i]! > score) above++;
    else if (scores[i]! === score) equal++;
  for (const other of left) {
    if (!(Number.isInteger(other) && other >= 0 && other < scores.length))
      throw new RangeError(`filteredRank: known holds ${other}; expected 0 to ${scores.length - 1}`);
    if (scores[other]! > score) above--;
    else if (scores[other]! === score) equal--;
  }
  return above + (equal + 1) / 2;
}
