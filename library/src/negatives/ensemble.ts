/** Negatives of several teachers for one query. */

export interface EnsembleOptions {
  /** Number of negatives. Default: one from each teacher. */
  count?: number;
  /**
   * A document that several teachers found is taken once, and the next one of the later teacher instead.
   * Default true; false keeps repeats, which weigh more in a loss.
   */
  distinct?: boolean;
}

/**
 * One query's negatives from several miners: the first of each teacher, then the second of each, and so on,
 * until there are `count`.
 *
 * Source: Moreira et al. 2024, "NV-Retriever", the ensembles of negatives within an example, with repeats
 * and without.
 *
 * @param lists for each teacher its negatives of the query, best first
 * @returns Fewer than `count` where the lists end before.
 */
export function ensembleNegatives(
  lists: readonly (readonly number[])[],
  { count = lists.length, distinct = true }: EnsembleOptions = {},
): number[] {
  if (!(Number.isSafeInteger(count) && count > 0))
    throw new RangeError(`ensembleNegatives: count is ${count}; expected a positive integer`);
  const next = lists.map(() => 0);
  const taken: number[] = [];
  const seen = new Set<number>();
  for (let found = true; found; ) {
    found = false;
    for (const [teacher, list] of lists.entries()) {
      while (distinct && next[teacher]! < list.length && seen.has(list[next[teacher]!]!)) next[teacher]!++;
      const document = list[next[teacher]!];
      if (document === undefined) continue;
      found = true;
      next[teacher]!++;
      seen.add(document);
      taken.push(document);
      if (taken.length === count) return taken;
    }
  }
  return taken;
}
