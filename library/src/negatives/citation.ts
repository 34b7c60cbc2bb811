/** Hard negatives out of what a document cites. */
import type { Random } from "../random.ts";
import type { Vectors } from "../retrieval/vectors.ts";
import { withinHops } from "./hops.ts";

export interface CitationWalkOptions {
  /** All documents' vectors; their lengths do not matter. A vector of zeros has cosine 0 with all. */
  documents: Vectors;
  /** For each document those that it is linked to; see `linksOf`. */
  links: readonly ArrayLike<number>[];
  random: Random;
  /** Walks at most, each from one of the direct links most similar to the query. Default: 3. */
  paths?: number;
  /** Documents on a walk, its start included. Default: 3. */
  length?: number;
  /** A walk moves to one of so many most similar documents. Default: 5. */
  topK?: number;
  /** Documents drawn from what no walk visited. Default: 1. */
  easy?: number;
}

/**
 * Negatives for a query with a positive document: walks through the documents within two links of the positive,
 * from the direct links most similar to the query, each step to an unvisited document drawn from the top K by
 * the softmax of their cosines with the current one. All walks share what they visited. The steps follow
 * similarity, not links: links only bound the neighbourhood.
 *
 * Source: "BiCA: Effective biomedical dense retrieval with citation-aware hard negatives" (2025), and
 * the authors' code.
 *
 * @param query The query's vector.
 * @param positive The positive's number; it is never a negative.
 * @returns Numbers of documents, walks first; at most paths × length + easy, none where nothing is linked.
 */
export function citationWalkNegatives(
  query: ArrayLike<number>,
  positive: number,
  { documents, links, random, paths = 3, length = 3, topK = 5, easy = 1 }: CitationWalkOptions,
): number[] {
  for (const [name, value, least] of [
    ["paths", paths, 1],
    ["length", length, 1],
    ["topK", topK, 1],
    ["easy", easy, 0],
  ] as const)
    if (!(Number.isSafeInteger(value) && value >= least))
      throw new RangeError(
        `citationWalkNegatives: ${name} is ${value}; expected a whole number of at least ${least}`,
      );
  if (query.length !== documents.width)
    throw new RangeError(
      `citationWalkNegatives: query has ${query.length} numbers; expected ${documents.width}, as documents have`,
    );
  const direct = withinHops(links, positive, 1);
  if (direct.length === 0) return [];
  const pool = withinHops(links, positive, 2);
  const rowOf = (document: number) =>
    documents.data.subarray(document * documents.width, (document + 1) * documents.width);
  const bySimilarity = (to: ArrayLike<number>, candidates: number[]) =>
    candidates
      .map((document) => ({ document, similarity: cosine(to, rowOf(document)) }))
      .sort((a, b) => b.similarity - a.similarity || a.document - b.document);
  const visited = new Set<number>();
  const starts = bySimilarity(query, direct).slice(0, paths);
  for (const { document: start } of starts) {
    if (visited.has(start)) continue;
    visited.add(start);
    let current = start;
    for (let step = 1; step < length; step++) {
      const open = pool.filter((document) => !visited.has(document));
      if (open.length === 0) break;
      const nearest = bySimilarity(rowOf(current), open).slice(0, topK);
      current = nearest[random.categorical(nearest.map(({ similarity }) => Math.exp(similarity)))]!.document;
      visited.add(current);
    }
  }
  const rest = pool.filter((document) => !visited.has(document));
  const drawn = Array.from(random.sample(rest.length, Math.min(easy, rest.length)), (at) => rest[at]!);
  return [...visited, ...drawn];
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}
