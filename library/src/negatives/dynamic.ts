/** Hard negatives that are replaced during training once they have become easy. */

/** One query's negatives and where the next ones come from. */
export interface DynamicNegatives {
  documents: readonly number[];
  /** Their scores when they were taken, as long. */
  scores: readonly number[];
  /** The candidates that were looked at when the negatives were mined, best first then. */
  candidates: readonly number[];
  /** Place of the next candidate. */
  next: number;
}

export interface DynamicOptions {
  /** A negative has become easy where factor · its score < its score when taken. Default 1.15. */
  factor?: number;
  /** Negatives whose score's absolute value is not below this are kept. Default 0.8. */
  ceiling?: number;
  /** Whether a query's negatives are judged by their mean score and replaced together, or one by one. Default "query". */
  granularity?: "query" | "each";
}

export interface DynamicStart {
  /** Number of negatives. */
  count: number;
  /** Place of the first candidate to take at the start. Default 0. */
  first?: number;
  /** Place from which replacements are taken. Default 10, or behind the first negatives where that is later. */
  from?: number;
}

/**
 * A query's first negatives: the candidates from place `first` on.
 *
 * @param candidates documents, best first, without the query's positives
 * @param score a document's score by the model as it is
 * @throws RangeError where there are fewer candidates
 */
export function dynamicNegatives(
  candidates: readonly number[],
  score: (document: number) => number,
  { count, first = 0, from = 10 }: DynamicStart,
): DynamicNegatives {
  if (!(Number.isSafeInteger(count) && count > 0))
    throw new RangeError(`dynamicNegatives: count is ${count}; expected a positive integer`);
  for (const [name, value] of Object.entries({ first, from }))
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw new RangeError(`dynamicNegatives: ${name} is ${value}; expected an integer of at least 0`);
  const documents = candidates.slice(first, first + count);
  if (documents.length < count)
    throw new RangeError(
      `dynamicNegatives: candidates has ${candidates.length} documents; expected at least ${first + count}`,
    );
  return { documents, scores: documents.map(score), candidates, next: Math.max(from, first + count) };
}

/**
 * The query's negatives, those that have become easy replaced by the next candidates of its list. A negative (or the
 * mean of a query's) has become easy where factor · S_t < S_0 and |S_t| < ceiling, S_0 its score when it was taken
 * and S_t its score now. To be called every 100 steps or so; it costs the scores of the negatives, no search.
 *
 * The i-th set of n negatives that replaces another is at places (i − 1) n + 10 to i n + 10 of the list. Where the
 * list has no more candidates, negatives stay.
 *
 * Source: Li et al. 2024, "Conan-embedding", section on dynamic hard negative mining.
 *
 * @param score a document's score by the model as it is, on the scale of the first scores, such as a cosine
 * @returns The same object where nothing is replaced.
 */
export function replaceEasyNegatives(
  negatives: DynamicNegatives,
  score: (document: number) => number,
  { factor = 1.15, ceiling = 0.8, granularity = "query" }: DynamicOptions = {},
): DynamicNegatives {
  if (!(factor > 0)) throw new RangeError(`replaceEasyNegatives: factor is ${factor}; expected more than 0`);
  if (!(ceiling > 0))
    throw new RangeError(`replaceEasyNegatives: ceiling is ${ceiling}; expected more than 0`);
  if (granularity !== "query" && granularity !== "each")
    throw new RangeError(
      `replaceEasyNegatives: granularity is ${JSON.stringify(granularity)}; expected "query" or "each"`,
    );
  const { documents, scores, candidates } = negatives;
  const current = documents.map(score);
  const easy = (before: number, now: number) => factor * now < before && Math.abs(now) < ceiling;
  const together = easy(mean(scores), mean(current));
  const replaced = documents.map((_, i) =>
    granularity === "query" ? together : easy(scores[i]!, current[i]!),
  );
  const wanted = replaced.filter(Boolean).length;
  const left = candidates.length - negatives.next;
  // A set is replaced as a whole or not at all.
  if (wanted === 0 || left <= 0 || (granularity === "query" && left < wanted)) return negatives;
  let { next } = negatives;
  const taken = documents.map((document, i) => {
    if (!replaced[i] || next >= candidates.length) return { document, score: scores[i]! };
    const fresh = candidates[next++]!;
    return { document: fresh, score: score(fresh) };
  });
  return {
    documents: taken.map(({ document }) => document),
    scores: taken.map((one) => one.score),
    candidates,
    next,
  };
}

const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length;
