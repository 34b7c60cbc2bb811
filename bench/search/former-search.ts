/**
 * The hub's search before it went by meaning, kept to compare with: BM25 for each field, summed with the fields' weights. A query that is a title
 * (one typo allowed), a slug or an arXiv id puts that paper first. Words that stand nowhere are read
 * as the beginnings of words, or as words with one typo.
 */

import { editDistance, foldLetters, titleKey } from "../../hub/src/catalog/titles.ts";
import type { Paper } from "../../hub/src/types.ts";
import { type Bm25Index, bm25Index, scores } from "../../library/src/retrieval/bm25.ts";
import { words } from "../../library/src/text/index.ts";

interface Field {
  text: (paper: Paper) => string;
  weight: number;
}

const fields: Field[] = [
  { text: (paper) => `${paper.title} ${paper.slug}`, weight: 3 },
  { text: (paper) => [paper.summary, paper.claim].join(" "), weight: 1.5 },
  { text: (paper) => paper.abstract ?? "", weight: 1 },
  { text: (paper) => (paper.exports ?? []).map(splitCamelCase).join(" "), weight: 0.7 },
  { text: (paper) => [paper.family, paper.kind, paper.year].join(" "), weight: 0.3 },
];

/** Indexes papers, to be searched many times: gives the slugs of up to `limit` papers, best first. */
export function formerSearcher(papers: readonly Paper[]): (query: string, limit: number) => string[] {
  const indexes = fields.map((field) => ({
    index: bm25Index(papers.map(field.text), { tokenize }),
    weight: field.weight,
  }));
  const vocabulary = new Set(indexes.flatMap(({ index }) => [...index.terms.keys()]));
  const keys = papers.map((paper) => titleKey(paper.title));

  return (query, limit) => {
    const terms = tokenize(query);
    const weights = terms.flatMap((term, position) =>
      variants(term, position === terms.length - 1, vocabulary),
    );
    const totals = new Float64Array(papers.length);
    for (const { index, weight } of indexes) add(totals, index, weights, weight);
    const exact = exactness(query);
    return papers
      .map((paper, at) => ({ paper, exact: exact(paper, keys[at]), score: totals[at] }))
      .filter(({ exact, score }) => exact > 0 || score > 0)
      .sort((a, b) => b.exact - a.exact || b.score - a.score)
      .slice(0, limit)
      .map(({ paper }) => paper.slug);
  };
}

function add(
  totals: Float64Array,
  index: Bm25Index,
  terms: readonly (readonly [string, number])[],
  weight: number,
): void {
  scores(index, terms).forEach((score, position) => {
    totals[position] += weight * score;
  });
}

/**
 * What to look for in a term's place, with weights. The last term may be unfinished, so longer words
 * count a little there; a term that stands nowhere becomes the words that it begins, or else those
 * that are one typo away.
 */
function variants(term: string, last: boolean, vocabulary: ReadonlySet<string>): [string, number][] {
  const known = vocabulary.has(term);
  if (known && !last) return [[term, 1]];
  const begun =
    term.length < 3 ? [] : [...vocabulary].filter((word) => word !== term && word.startsWith(term));
  if (known) return [[term, 1], ...begun.map((word): [string, number] => [word, 0.2])];
  if (begun.length > 0) return begun.map((word) => [word, 0.5]);
  if (term.length < 4) return [];
  return [...vocabulary].filter((word) => isTypo(term, word)).map((word) => [word, 0.5]);
}

/**
 * Tells how exactly a query names a paper: 3 by its slug or arXiv id, 2 by its title, 1 by its title
 * with one typo, 0 not at all.
 */
function exactness(query: string): (paper: Paper, key: string) => number {
  const text = query.trim().toLowerCase();
  const arxiv = arxivAddress.exec(text)?.[1];
  const wanted = titleKey(query);
  return (paper, key) => {
    if (text === paper.slug) return 3;
    if (paper.arxiv !== undefined && paper.arxiv.toLowerCase() === arxiv) return 3;
    if (wanted === key) return 2;
    // One typo makes too many short titles alike.
    return wanted.length >= 6 && isTypo(wanted, key) ? 1 : 0;
  };
}

const arxivAddress =
  /^(?:arxiv:\s*|(?:https?:\/\/)?(?:www\.)?arxiv\.org\/(?:abs|pdf)\/)?(.+?)(?:v\d+)?(?:\.pdf)?$/;

/** One character more, less or other, or two neighbours swapped. */
function isTypo(a: string, b: string): boolean {
  if (editDistance(a, b, 1) === 1) return true;
  if (a.length !== b.length) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}

/** Words without a plural's ending: "negatives" and "negative" are one term. */
const tokenize = (text: string) => words(foldLetters(text)).map(singular);

function singular(word: string): string {
  const plain = word.replace(/'s?$/, "");
  if (plain.length < 4) return plain;
  if (/[^ae]ies$/.test(plain)) return plain.replace(/ies$/, "y");
  if (/(ss|x|ch|sh)es$/.test(plain)) return plain.slice(0, -2);
  // Not plurals: bias, analysis, loss, corpus.
  return /[^aisu]s$/.test(plain) ? plain.slice(0, -1) : plain;
}

/** "losses/ranking: marginRanking" as words: margin, Ranking. The folder says little, but is kept. */
const splitCamelCase = (name: string) => `${name} ${name.replace(/([a-z0-9])([A-Z])/g, "$1 $2")}`;
