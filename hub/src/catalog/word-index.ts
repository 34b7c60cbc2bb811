/**
 * Search by words: BM25 over all of a paper's text, in which the title stands twice, and a bonus where
 * neighbours of the query are neighbours in the text. Words that stand nowhere are read as words with one
 * typing error or, at the end of the query, as the beginnings of words.
 */
import { bm25Index, scores } from "nearmiss/retrieval/bm25";
import { isStopTerm, stopWords, term } from "./terms.ts";
import { typoFinder } from "./typo.ts";

/** A word of the query and the terms that are looked for in its place, with weights; none where it is unknown. */
export interface QueryWord {
  word: string;
  /** The word's own term, whether or not a paper has it. */
  own: string;
  terms: readonly (readonly [term: string, weight: number])[];
}

export interface WordIndex {
  /**
   * The words of a query that say something; all, where none does.
   *
   * @param isWord whether a term that no paper has is that of an English word, and so no typing error
   */
  read(words: readonly string[], isWord: (term: string) => boolean): QueryWord[];
  /** [papers] Each paper's score as a share of what a text that is all query could have. */
  scores(query: readonly QueryWord[]): Float64Array;
  /** What to add to a paper's score for neighbours of the query that are neighbours in it. */
  phrases(query: readonly QueryWord[]): (paper: number) => number;
  /** Which of the query's words stand in a paper. */
  matches(query: readonly QueryWord[], paper: number): string[];
}

/**
 * @param lists the terms of each paper, in order
 * @param vocabulary the words that these are the terms of
 */
export function wordIndex(lists: readonly string[][], vocabulary: ReadonlySet<string>): WordIndex {
  // The index asks for the terms of a document; they are there already.
  const index = bm25Index(
    lists.map((_, paper) => String(paper)),
    { tokenize: (paper) => lists[Number(paper)] },
  );
  const sequences = lists.map((list) =>
    Uint32Array.from(
      list.filter((name) => !isStopTerm(name)),
      (name) => index.terms.get(name)!,
    ),
  );
  const saturation = index.options.k1;
  const most = saturation + 1;
  const rarest = Math.log(1 + (lists.length + 0.5) / 0.5);
  const rarity = (name: string) => {
    const number = index.terms.get(name);
    return number === undefined ? rarest : index.inverseDocumentFrequencies[number];
  };
  const whole = (query: readonly QueryWord[]) =>
    most * query.reduce((sum, { own, terms }) => sum + rarity(terms[0]?.[0] ?? own), 0);

  const known = [...vocabulary];
  const nearWords = typoFinder(vocabulary);
  const begunWith = (word: string) => known.filter((other) => other.startsWith(word));

  return {
    read(words, isWord) {
      const telling = words.filter((word) => !stopWords.has(word));
      return (telling.length > 0 ? telling : words).map((word, position, all) => {
        const own = term(word);
        if (index.terms.has(own)) return { word, own, terms: [[own, 1]] };
        let near = position === all.length - 1 && word.length >= 3 ? begunWith(word) : [];
        if (near.length === 0 && word.length >= 4 && !isWord(own)) near = nearWords(word);
        const names = [...new Set(near.map(term))];
        const weight = 0.7 / Math.sqrt(names.length);
        return { word, own, terms: names.map((name) => [name, weight] as const) };
      });
    },
    scores(query) {
      const result = scores(
        index,
        query.flatMap(({ terms }) => terms),
      );
      const all = whole(query);
      for (let paper = 0; paper < result.length; paper++) result[paper] /= all;
      return result;
    },
    phrases(query) {
      const numbers = query.map(({ terms }) => (terms[0] ? index.terms.get(terms[0][0])! : -1));
      const pairs = numbers.slice(1).flatMap((second, at) => {
        const first = numbers[at];
        if (first < 0 || second < 0) return [];
        const weight =
          (index.inverseDocumentFrequencies[first] + index.inverseDocumentFrequencies[second]) / 2;
        return [{ first, second, weight }];
      });
      const all = whole(query);
      return (paper) => {
        let bonus = 0;
        for (const { first, second, weight } of pairs) {
          const count = countPair(sequences[paper], first, second);
          bonus += (weight * most * count) / (count + saturation);
        }
        return bonus / all;
      };
    },
    matches(query, paper) {
      const present = new Set(sequences[paper]);
      return query
        .filter(({ terms }) => terms.some(([name]) => present.has(index.terms.get(name)!)))
        .map(({ word }) => word);
    },
  };
}

function countPair(sequence: Uint32Array, first: number, second: number): number {
  let count = 0;
  for (let at = sequence.indexOf(first); at >= 0; at = sequence.indexOf(first, at + 1))
    if (sequence[at + 1] === second) count++;
  return count;
}
