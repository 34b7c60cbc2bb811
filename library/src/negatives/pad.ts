/** What a miner could not fill is filled at random, so that every query has as many negatives. */
import type { Random } from "../random.ts";

export interface PaddingOptions {
  /** Number of negatives that the query is to have. */
  count: number;
  /** Number of documents in the corpus. */
  size: number;
  /** Documents that must not be drawn: the query's positives. Default: none. */
  exclude?: Iterable<number>;
  random: Random;
}

/**
 * A query's negatives, with random other documents after them where a miner found fewer than `count`. Rules
 * on scores can leave few candidates or none, and a training step wants a full row; count what was padded
 * (`padded`), as many random negatives make a miner a random one.
 *
 * @param mined documents, best first; none may stand there twice
 * @returns `count` different documents: the first of `mined`, then random ones
 * @throws RangeError where the corpus has too few other documents
 */
export function padNegatives(
  mined: readonly number[],
  { count, size, exclude = [], random }: PaddingOptions,
): { documents: number[]; padded: number } {
  if (!(Number.isSafeInteger(count) && count > 0))
    throw new RangeError(`padNegatives: count is ${count}; expected a positive integer`);
  const documents = mined.slice(0, count);
  const padded = count - documents.length;
  if (padded === 0) return { documents, padded };
  const taken = new Set([...exclude, ...documents]);
  const free = size - taken.size;
  if (!(free >= padded))
    throw new RangeError(
      `padNegatives: size is ${size}, of which ${taken.size} are taken; expected at least ${padded} others`,
    );
  while (documents.length < count) {
    const document = random.integer(0, size);
    if (taken.has(document)) continue;
    taken.add(document);
    documents.push(document);
  }
  return { documents, padded };
}
