/**
 * BM25 over typed arrays: an inverted index in compressed sparse rows, one row of postings a term,
 * with the score that each posting adds computed once at indexing time. A query then only adds up
 * the rows of its terms. No engine, no dependencies: the same index serves search, the mining of
 * negatives and the studies.
 *
 * Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond",
 * with the inverse document frequency of Apache Lucene, which is never negative:
 *
 *     score(q, d) = Σ_t weight(t) · idf(t) · tf · (k1 + 1) / (tf + k1 · (1 - b + b · |d| / mean |d|))
 *     idf(t)      = ln(1 + (n - df(t) + 0.5) / (df(t) + 0.5))
 */
import { words } from "../text/words.ts";

export interface Bm25Options {
  /** Saturation of the term frequency: 0 counts a term once, large values count it linearly. Default 1.2. */
  k1?: number;
  /** Normalisation by document length: 0 none, 1 full. Default 0.75. */
  b?: number;
  /** Splits a document or query into terms. Default: lower-case words, diacritics folded. */
  tokenize?: (text: string) => string[];
}

/** An index. Term `t`'s postings are the entries `offsets[t]` to `offsets[t + 1]` of the three posting arrays. */
export interface Bm25Index {
  readonly options: Readonly<Required<Bm25Options>>;
  /** Number of documents, n. */
  readonly size: number;
  /** Term to its number, 0 to `terms.size - 1`. */
  readonly terms: ReadonlyMap<string, number>;
  /** [terms + 1]. */
  readonly offsets: Uint32Array;
  /** [postings] Document numbers, ascending within a term. */
  readonly documents: Uint32Array;
  /** [postings] How often the term stands in the document, tf. */
  readonly frequencies: Uint32Array;
  /** [postings] What the posting adds to its document's score. */
  readonly scores: Float32Array;
  /** [terms] */
  readonly inverseDocumentFrequencies: Float32Array;
  /** [n] Terms in each document, |d|. */
  readonly lengths: Uint32Array;
}

/** A text, or its terms with their weights; of a text, each occurrence of a term weighs 1. */
export type Bm25Query = string | Iterable<readonly [term: string, weight: number]>;

export interface Bm25Hit {
  /** Position in the indexed list. */
  document: number;
  score: number;
}

/**
 * Indexes documents.
 *
 * @param documents texts; an empty one is indexed and never found
 * @throws where k1 is negative or b lies outside 0 to 1
 */
export function bm25Index(documents: readonly string[], options: Bm25Options = {}): Bm25Index {
  const { k1 = 1.2, b = 0.75, tokenize = words } = options;
  if (!(k1 >= 0 && k1 < Infinity)) throw new RangeError(`bm25Index: k1 is ${k1}, expected 0 or more`);
  if (!(b >= 0 && b <= 1)) throw new RangeError(`bm25Index: b is ${b}, expected 0 to 1`);

  const { terms, pairTerms, pairFrequencies, pairEnds, lengths } = countTerms(documents, tokenize);

  // Counting sort of the (document, term) pairs by term. Walking documents in order keeps rows ascending.
  const offsets = new Uint32Array(terms.size + 1);
  for (const term of pairTerms) offsets[term + 1]++;
  for (let term = 0; term < terms.size; term++) offsets[term + 1] += offsets[term];

  const n = documents.length;
  const inverseDocumentFrequencies = new Float32Array(terms.size);
  for (let term = 0; term < terms.size; term++) {
    const df = offsets[term + 1] - offsets[term];
    inverseDocumentFrequencies[term] = Math.log(1 + (n - df + 0.5) / (df + 0.5));
  }

  const next = offsets.slice();
  const postings = new Uint32Array(pairTerms.length);
  const frequencies = new Uint32Array(pairTerms.length);
  const scores = new Float32Array(pairTerms.length);
  const meanLength = lengths.reduce((sum, length) => sum + length, 0) / n;
  let pair = 0;
  for (let document = 0; document < n; document++) {
    const saturation = k1 * (1 - b + (b * lengths[document]) / meanLength);
    for (; pair < pairEnds[document]; pair++) {
      const term = pairTerms[pair];
      const tf = pairFrequencies[pair];
      const at = next[term]++;
      postings[at] = document;
      frequencies[at] = tf;
      scores[at] = (inverseDocumentFrequencies[term] * tf * (k1 + 1)) / (tf + saturation);
    }
  }
  return {
    options: { k1, b, tokenize },
    size: n,
    terms,
    offsets,
    documents: postings,
    frequencies,
    scores,
    inverseDocumentFrequencies,
    lengths,
  };
}

/**
 * The best documents for a query, best first; equal scores in the order of the documents.
 * Documents whose score is not above zero are never given, so there may be fewer than `limit`.
 *
 * @throws where limit is not a positive integer
 */
export function search(index: Bm25Index, query: Bm25Query, limit = 10): Bm25Hit[] {
  if (!(Number.isInteger(limit) && limit > 0))
    throw new RangeError(`search: limit is ${limit}, expected a positive integer`);
  const weights = termWeights(index, query);
  const scores = scratch(index);
  addScores(index, weights, scores);
  const best: Bm25Hit[] = [];
  let worst = 0;
  const visit = (document: number) => {
    const score = scores[document];
    if (score < worst || score <= 0) return;
    keepBest(best, { document, score }, limit);
    if (best.length === limit) worst = best[limit - 1].score;
  };
  if (postingsOf(index, weights) > index.size) {
    for (let document = 0; document < index.size; document++) visit(document);
    scores.fill(0);
  } else {
    // Only the rows of the query's terms are visited, and each score goes back to 0 once it is read.
    for (const term of weights.keys()) {
      for (let at = index.offsets[term]; at < index.offsets[term + 1]; at++) {
        visit(index.documents[at]);
        scores[index.documents[at]] = 0;
      }
    }
  }
  return best;
}

/** The scores of all documents for a query: Float64Array [n], 0 where a document has none of its terms. */
export function scores(index: Bm25Index, query: Bm25Query): Float64Array {
  const scores = new Float64Array(index.size);
  addScores(index, termWeights(index, query), scores);
  return scores;
}

/** Numbers of the query's terms that the index knows, with their weights. */
function termWeights(index: Bm25Index, query: Bm25Query): Map<number, number> {
  const weights = new Map<number, number>();
  const add = (name: string, weight: number) => {
    const term = index.terms.get(name);
    if (term !== undefined) weights.set(term, (weights.get(term) ?? 0) + weight);
  };
  if (typeof query === "string") for (const name of index.options.tokenize(query)) add(name, 1);
  else for (const [name, weight] of query) add(name, weight);
  return weights;
}

function postingsOf(index: Bm25Index, weights: Map<number, number>): number {
  let postings = 0;
  for (const term of weights.keys()) postings += index.offsets[term + 1] - index.offsets[term];
  return postings;
}

function addScores(index: Bm25Index, weights: Map<number, number>, into: Float64Array): void {
  const { offsets, documents, scores } = index;
  for (const [term, weight] of weights)
    for (let at = offsets[term]; at < offsets[term + 1]; at++) into[documents[at]] += weight * scores[at];
}

/** Inserts a hit where it belongs in a list that is sorted best first and holds `limit` hits at most. */
function keepBest(best: Bm25Hit[], hit: Bm25Hit, limit: number): void {
  if (best.length === limit && !isBetter(hit, best[limit - 1])) return;
  let low = 0;
  let high = best.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBetter(hit, best[middle])) high = middle;
    else low = middle + 1;
  }
  best.splice(low, 0, hit);
  if (best.length > limit) best.pop();
}

const isBetter = (a: Bm25Hit, b: Bm25Hit) =>
  a.score > b.score || (a.score === b.score && a.document < b.document);

// Zeros to add a query's scores into, one array an index: allocating n numbers would cost more than the query.
const scratches = new WeakMap<Bm25Index, Float64Array>();

function scratch(index: Bm25Index): Float64Array {
  const known = scratches.get(index);
  if (known !== undefined) return known;
  const zeros = new Float64Array(index.size);
  scratches.set(index, zeros);
  return zeros;
}

/** Distinct terms of each document with their counts: the pairs of document d end at `pairEnds[d]`. */
function countTerms(documents: readonly string[], tokenize: (text: string) => string[]) {
  const terms = new Map<string, number>();
  const pairTerms: number[] = [];
  const pairFrequencies: number[] = [];
  const pairEnds = new Uint32Array(documents.length);
  const lengths = new Uint32Array(documents.length);
  // The pair in which each term was counted last: it is this document's if it starts after the last one's end.
  const lastPair: number[] = [];
  for (let document = 0; document < documents.length; document++) {
    const start = pairTerms.length;
    const tokens = tokenize(documents[document]);
    for (const token of tokens) {
      let term = terms.get(token);
      if (term === undefined) {
        term = terms.size;
        terms.set(token, term);
        lastPair.push(-1);
      }
      const pair = lastPair[term];
      if (pair >= start) {
        pairFrequencies[pair]++;
      } else {
        lastPair[term] = pairTerms.length;
        pairTerms.push(term);
        pairFrequencies.push(1);
      }
    }
    pairEnds[document] = pairTerms.length;
    lengths[document] = tokens.length;
  }
  return { terms, pairTerms, pairFrequencies, pairEnds, lengths };
}
