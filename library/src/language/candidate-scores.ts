/** Which of several answers a language model prefers, by the log-probabilities of their tokens. */

export interface CandidateScoreOptions {
  /** "length" divides by the number of tokens, "none" sums. Default: "length". */
  normalize?: "length" | "none";
  /**
   * Log-probabilities of the same tokens without the question, to be taken away before: what is likely anyway then
   * counts no more. Default: none.
   */
  prior?: readonly ArrayLike<number>[];
}

/**
 * A score of each candidate c, (1/|c|) Σ log p(token | prompt, tokens before), higher being more likely. With a prior it
 * is the pointwise mutual information of prompt and answer (Holtzman et al. 2021).
 *
 * @param logProbs of each candidate's tokens, one at least
 * @throws RangeError for a candidate without tokens, or a prior of another number of tokens
 */
export function candidateScores(
  logProbs: readonly ArrayLike<number>[],
  { normalize = "length", prior }: CandidateScoreOptions = {},
): Float64Array {
  if (prior && prior.length !== logProbs.length)
    throw new RangeError(`candidateScores: prior has ${prior.length} rows; expected ${logProbs.length}`);
  return Float64Array.from(logProbs, (tokens, i) => {
    const { length } = tokens;
    if (length === 0) throw new RangeError(`candidateScores: logProbs[${i}] is empty; expected a token`);
    const before = prior?.[i];
    if (before && before.length !== length)
      throw new RangeError(`candidateScores: prior[${i}] has ${before.length} tokens; expected ${length}`);
    let sum = 0;
    for (let t = 0; t < length; t++) sum += tokens[t]! - (before?.[t] ?? 0);
    return normalize === "length" ? sum / length : sum;
  });
}
