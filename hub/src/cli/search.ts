/** `nearmiss search QUERY`: the papers that fit best. */
import { QueryError, searcher } from "../catalog/search.ts";
import type { SearchResult } from "../types.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { columns, cut, type Format, print, proseWidth, styled, wrap } from "./output.ts";
import { readPapers } from "./papers.ts";

export function search(query: string, { limit, format }: { limit: number; format: Format }): void {
  print(format, find(query, limit), toText);
}

function find(query: string, limit: number): SearchResult[] {
  try {
    return searcher(readPapers())(query, limit);
  } catch (error) {
    if (error instanceof QueryError) throw new CommandError(exitCodes.wrongUsage, `search: ${error.message}`);
    throw error;
  }
}

function toText(results: SearchResult[]): string {
  if (results.length === 0) return "No paper holds these words or is near them in meaning.";
  const heads = columns(
    results.map(({ slug, family, year, runnable, by }) => [
      styled("bold", slug),
      styled(
        "dim",
        [family, year, runnable ? "can run" : "", by === "meaning" ? "found by meaning" : ""]
          .filter(Boolean)
          .join(", "),
      ),
      "",
    ]),
  );
  return results
    .map(({ title, summary }, index) => {
      const lines = [heads[index], wrap(title)];
      if (summary) lines.push(styled("dim", wrap(firstSentence(summary))));
      return lines.join("\n");
    })
    .join("\n\n");
}

const firstSentence = (text: string) => cut(/^.*?[.!?](?=\s|$)/s.exec(text)?.[0] ?? text, 3 * proseWidth());
