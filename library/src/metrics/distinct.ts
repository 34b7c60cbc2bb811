/** How varied texts are, and how many of them could have been said to anybody. */

/**
 * Distinct-n: the number of different n-grams of all texts together over that of all n-grams. Texts shorter than n have
 * none.
 *
 * Source: Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models" (2016).
 *
 * @param texts Words or tokens of each.
 * @returns 0 to 1; 0 where there are no n-grams.
 * @throws RangeError for an n that is not a positive integer.
 */
export function distinctN(texts: readonly (readonly (string | number)[])[], n: number): number {
  if (!(Number.isInteger(n) && n >= 1))
    throw new RangeError(`distinctN: n is ${n}; expected an integer of at least 1`);
  const seen = new Set<string>();
  let count = 0;
  for (const text of texts)
    for (let i = 0; i + n <= text.length; i++) {
      seen.add(JSON.stringify(text.slice(i, i + n)));
      count++;
    }
  return count === 0 ? 0 : seen.size / count;
}

/** What somebody said, and what was said back; compared by ===. */
export interface QueryResponse<T> {
  query: T;
  response: T;
}

/**
 * Source entropy of each pair's response: the entropy −Σ p(q|r) log p(q|r), nats, of the queries that it follows in
 * the corpus. 0 where a response follows one query alone, log m where it follows m equally often: the larger, the more
 * generic the response.
 *
 * Source: Csáky, Purgai and Recski, "Improving Neural Conversational Models with Entropy-Based Data Filtering" (2019).
 */
export function sourceEntropies<T>(pairs: readonly QueryResponse<T>[]): Float64Array {
  const queries = new Map<T, Map<T, number>>();
  for (const { query, response } of pairs) {
    const counts = queries.get(response) ?? new Map<T, number>();
    counts.set(query, (counts.get(query) ?? 0) + 1);
    queries.set(response, counts);
  }
  const entropies = new Map(
    [...queries].map(([response, counts]) => {
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      let entropy = 0;
      for (const count of counts.values()) entropy -= (count / total) * Math.log(count / total);
      return [response, entropy];
    }),
  );
  return Float64Array.from(pairs, ({ response }) => entropies.get(response)!);
}
