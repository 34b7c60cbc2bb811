/**
 * Search over papers: by words (`word-index.ts`) and by meaning (`meaning-index.ts`), their scores added. A
 * query that names a paper by its title (one typing error allowed), slug or arXiv id puts that paper first.
 */
import type { Paper, SearchResult } from "../types.ts";
import { type SearchEncoder, shippedEncoder } from "./encoder.ts";
import { meaningIndex } from "./meaning-index.ts";
import { nameIndex } from "./names.ts";
import { searchWords, term } from "./terms.ts";
import { wordIndex } from "./word-index.ts";

/** Finds up to `limit` papers, best first. Throws where the query holds no word. */
export type Search = (query: string, limit: number) => SearchResult[];

/** The query cannot be searched for. */
export class QueryError extends Error {}

export interface SearcherOptions {
  /** What decides the order, beside names. Default "both". */
  by?: "both" | "words" | "meaning";
  /** Default: the one that the hub ships. */
  encoder?: SearchEncoder;
}

/** How much a cosine counts beside the share of the words that was found. */
const meaningWeight = 0.3;
/** Papers with none of the query's words are given if their cosine is no less. */
const leastMeaning = 0.3;
/** As many of the best are looked at for phrases. */
const phraseCandidates = 100;

/** Indexes papers, to be searched many times. */
export function searcher(
  papers: readonly Paper[],
  { by = "both", encoder = shippedEncoder() }: SearcherOptions = {},
): Search {
  const vocabulary = new Set<string>();
  const texts = papers.map((paper) => {
    const words = searchWords(textOf(paper));
    for (const word of words) vocabulary.add(word);
    return words.map(term);
  });
  const words = wordIndex(texts, vocabulary);
  const meaning = meaningIndex(texts, encoder);
  const names = nameIndex(papers);

  return (query, limit) => {
    const typed = searchWords(query);
    if (typed.length === 0)
      throw new QueryError(`the query is ${JSON.stringify(query)}, expected at least one word`);
    const read = words.read(typed, (name) => encoder.rows.has(name));
    const byWords = words.scores(read);
    const byMeaning = meaning.scores(
      read.flatMap(({ own, terms }) => (encoder.rows.has(own) ? [[own, 1] as const] : terms)),
    );
    const scores = new Float64Array(papers.length);
    for (let paper = 0; paper < papers.length; paper++) {
      const cosine = Math.max(0, byMeaning[paper]);
      if (by !== "meaning" && byWords[paper] > 0) scores[paper] = byWords[paper];
      else if (by === "words" || cosine < leastMeaning) continue;
      if (by !== "words") scores[paper] += (by === "meaning" ? 1 : meaningWeight) * cosine;
    }
    const named = names(query);
    const found = best(scores, Math.max(limit, phraseCandidates));
    if (by !== "meaning") {
      const phrases = words.phrases(read);
      for (const paper of found) scores[paper] += phrases(paper);
      found.sort((a, b) => scores[b] - scores[a] || a - b);
    }
    return [...new Set([...named, ...found])].slice(0, limit).map((position) => {
      const { slug, title, year, family, runnable, summary } = papers[position];
      const matches = words.matches(read, position);
      const reason = named.includes(position) ? "name" : matches.length > 0 ? "words" : "meaning";
      const score = scores[position];
      return { slug, title, score, year, family, runnable, summary, by: reason, matches };
    });
  };
}

/** All that is searched of a paper; the title counts twice. */
function textOf(paper: Paper): string {
  const { title, slug, summary, claim, abstract, exports = [], family, kind, year } = paper;
  return [
    title,
    title,
    slug.replaceAll("-", " "),
    summary,
    claim,
    abstract,
    ...exports.map(splitCamelCase),
    family,
    kind,
    year,
  ].join(" ");
}

/** "losses/ranking: marginRanking" as words: margin, Ranking. The folder says little, but is kept. */
const splitCamelCase = (name: string) => `${name} ${name.replace(/([a-z0-9])([A-Z])/g, "$1 $2")}`;

/** Positions of the largest scores above zero, the largest first; equal ones in their order. */
function best(scores: Float64Array, count: number): number[] {
  const cut = (positions: number[]) =>
    positions.sort((a, b) => scores[b] - scores[a] || a - b).slice(0, count);
  let kept: number[] = [];
  let least = 0;
  for (let position = 0; position < scores.length; position++) {
    if (scores[position] <= least) continue;
    kept.push(position);
    if (kept.length < 2 * count + 1000) continue;
    kept = cut(kept);
    least = scores[kept[count - 1]];
  }
  return cut(kept);
}
