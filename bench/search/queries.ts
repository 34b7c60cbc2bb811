/**
 * Judged queries over the 204 papers. They were written from the cards before any ranking was looked at, and
 * neither a query nor a grade is changed afterwards. Every third one is held back: what is chosen (weights,
 * options, training) is chosen by the others alone.
 */
import { readFileSync } from "node:fs";

export interface JudgedQuery {
  /** How a reader came to these words: own words, question, paraphrase, acronym, typing error, … */
  kind: string;
  query: string;
  /** Grades by slug: 2 what was meant, 1 also useful; papers that are not named are not relevant. */
  relevant: Readonly<Record<string, number>>;
}

export type QueryPart = "steer" | "held-back";

/** The queries of one part, in the order of the file. */
export function judgedQueries(part: QueryPart): JudgedQuery[] {
  return all().filter((_, position) => (position % 3 === 2 ? "held-back" : "steer") === part);
}

const all = (): JudgedQuery[] =>
  JSON.parse(readFileSync(new URL("queries.json", import.meta.url), "utf8")) as JudgedQuery[];
