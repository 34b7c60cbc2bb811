/** Negatives from an index that follows the model: mined anew while it trains. */
import { denseIndex } from "../retrieval/dense-index.ts";
import type { Vectors } from "../retrieval/vectors.ts";

export interface NearestOptions {
  /** Documents looked at for each query, positives among them. Default 200. */
  depth?: number;
  /** "dot" (default) or "cosine". */
  similarity?: "cosine" | "dot";
  /** See `compile`. */
  threads?: number;
}

/**
 * For each query its nearest documents, best first, without its positives: what ANCE samples from.
 *
 * Source: Xiong et al., "Approximate nearest neighbor negative contrastive learning for dense text retrieval"
 * (2020), section 4; the search here is exact.
 *
 * @param positives For each query its known positives, as positions in `documents`.
 * @returns For each query `depth` documents at most, and less those of its positives that were found.
 * @throws RangeError where there are not as many lists of positives as queries
 */
export async function nearestNegatives(
  queries: Vectors,
  documents: Vectors,
  positives: readonly ArrayLike<number>[],
  { depth = 200, similarity = "dot", threads }: NearestOptions = {},
): Promise<Int32Array[]> {
  if (positives.length !== queries.count)
    throw new RangeError(
      `nearestNegatives: positives has ${positives.length} lists; expected ${queries.count}, one a query`,
    );
  const index = denseIndex(documents, { similarity, ...(threads !== undefined && { threads }) });
  const { documents: found, width } = await index.search(queries, depth);
  return positives.map((list, query) => {
    const known = new Set(Array.from(list));
    return found.slice(query * width, (query + 1) * width).filter((document) => !known.has(document));
  });
}

/**
 * What `mine` gives, made anew every so many steps: ask for it at each step of training, in rising order.
 *
 *     const lists = refreshed(50, () => nearestNegatives(encode(queries), encode(documents), positives));
 *     for (let step = 0; step < steps; step++) {
 *       const negatives = (await lists(step))[query];
 *
 * The lists stay as they are until the next multiple of `every`, however the weights move: a large `every` trains
 * on stale ones. Nothing else is reset, the state of the optimizer least of all.
 *
 * @param every Steps between two minings; Infinity mines once.
 */
export function refreshed<T>(
  every: number,
  mine: (step: number) => Promise<T>,
): (step: number) => Promise<T> {
  if (!(every >= 1)) throw new RangeError(`refreshed: every is ${every}; expected a number of at least 1`);
  let latest: { turn: number; result: Promise<T> } | undefined;
  return (step) => {
    const turn = Math.floor(step / every);
    if (latest?.turn !== turn) latest = { turn, result: mine(step) };
    return latest.result;
  };
}
