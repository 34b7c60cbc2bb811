/** The families that papers are filed under; each is a folder beside this file. */
export const families = [
  "classification",
  "contrastive",
  "retrieval",
  "language-model",
  "likelihood",
  "generative",
  "inference",
  "uncertainty",
  "theory",
  "compression",
  "negation",
  "perception",
] as const;

export type Family = (typeof families)[number];

/**
 * What a reader learns of a paper before running it. A card is pure data: it is read from the
 * file's text without running the file (see `index.ts`), so that listing and searching all papers
 * never loads the engine.
 */
export interface Card {
  /** The paper's number in the collection, 1 to 204. */
  number: number;
  /** The file's name without its ending, unique over all families. */
  slug: string;
  title: string;
  /** Year of first publication. */
  year: number;
  family: Family;
  /** What kind of thing the paper offers: objective, sampler, score, bound, … */
  kind: string;
  /** arXiv identifier, without version. */
  arxiv?: string;
  /** Where the paper can be read. */
  link: string;
  /** The authors' code, if public. */
  code?: string;
  /** What the method does: two to four sentences. */
  summary: string;
  /** What the paper claims, testable: two to four sentences. */
  claim: string;
  /** The central formula, KaTeX in display mode. */
  formula: string;
  /** What the library offers (or will offer) of this paper, as "folder/file: name". */
  exports: string[];
  /** Decisions that a reader must know: differences from the official code, changed settings. */
  notes?: string[];
}
