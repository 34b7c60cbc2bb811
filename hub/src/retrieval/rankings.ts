/** What BM25 and a dense encoder find for queries, alone and together. */
import {
  type Bm25Index,
  bm25Index,
  type DenseIndex,
  denseIndex,
  type Embedder,
  type Hit,
  scoreFusion,
  search,
} from "nearmiss/retrieval";
import type { JudgedQuery } from "./pairs.ts";

/** Documents that each retriever contributes to a fusion. */
export const DEPTH = 200;
/** The weight of dense scores where nothing tells a better one; BM25's is 1. */
export const USUAL_WEIGHT = 0.5;

/** For each query what one retriever found, best first. */
export type Found = readonly (readonly Hit[])[];

export const bm25Found = (index: Bm25Index, queries: readonly string[]): Found =>
  queries.map((query) => search(index, query, DEPTH));

export async function denseFound(
  index: DenseIndex,
  embed: Embedder,
  queries: readonly string[],
): Promise<Found> {
  const { documents, scores, width } = await index.search(await embed(queries), DEPTH);
  return queries.map((_, query) =>
    Array.from({ length: width }, (_, rank) => ({
      document: documents[query * width + rank]!,
      score: scores[query * width + rank]!,
      // A text without a known word is a vector of zeros: it is like nothing.
    })).filter(({ score }) => score !== 0),
  );
}

/** Both lists of each query as one; a weight of 0 is BM25 alone. */
export const fused = (bm25: Found, dense: Found, weight: number): Found =>
  bm25.map((hits, query) => (weight === 0 ? hits : scoreFusion([hits, dense[query]!], [1, weight])));

/** The documents of each query, best first, as measures take them. */
export const ranked = (found: Found): number[][] =>
  found.map((hits) => hits.slice(0, DEPTH).map(({ document }) => document));

export const judgements = (queries: readonly JudgedQuery[]) => queries.map(({ grades }) => grades);
export const textsOf = (queries: readonly JudgedQuery[]) => queries.map(({ text }) => text);

/** Indices over the same texts. */
export async function indicesOf(texts: readonly string[], embed: Embedder) {
  return { bm25: bm25Index(texts), dense: denseIndex(await embed(texts)) };
}
